# Who may do what in SynergyFlow. First roles (RBAC): a role has its own permissions and those of the roles it
# inherits from. Then attributes of subject and resource (ABAC): tenant, team, ownership, separation of duties, change
# window. Everything must hold; what is not allowed here is denied, and `reasons` says by which rule.
#
# Asked by POST /v1/data/synergyflow/authz/decision with
#   {"input": {"subject": {"id", "tenant", "roles": [], "teams": []},
#              "action": "update",
#              "resource": {"module": "incident", "id", "tenant", "team", "owner", "assignee", …}}}
# and answered by {"result": {"allow": false, "reasons": ["tenant: …"], "roles": ["agent", "requester"]}}.
package synergyflow.authz

import rego.v1

default allow := false

# Each rule is a condition that must be shown to hold: a missing attribute shows nothing, and so denies.
allow if {
	granted
	same_tenant
	in_scope
	duties_separate
	in_change_window
}

decision := {
	"allow": allow,
	"reasons": sort([reason | some reason in reasons]),
	"roles": sort([role | some role in roles]),
}

# --- roles ----------------------------------------------------------------------------------------------------------

# A role, and those whose permissions it has too.
inherits := {
	"admin": {"manager"},
	"manager": {"agent"},
	"agent": {"requester"},
	"requester": set(),
	# programs: they act in one module and are nobody's superior
	"integration": set(),
}

# A role's own permissions: module -> actions.
permissions := {
	"requester": {
		"incident": {"create", "read", "comment"},
		"problem": set(),
		"change": {"create", "read", "comment"},
		"knowledge": {"read"},
		"notification": {"read"},
		"user": {"read"},
	},
	"agent": {
		"incident": {"update", "assign", "resolve"},
		"problem": {"create", "read", "update", "comment", "resolve"},
		"change": {"update", "implement"},
		"knowledge": {"create", "update"},
		"cmdb": {"read", "update"},
		"team": {"read"},
		"workflow": {"read", "start"},
	},
	"manager": {
		"incident": {"close", "reopen"},
		"problem": {"assign", "close"},
		"change": {"approve", "reject", "close"},
		"knowledge": {"publish", "delete"},
		"cmdb": {"create"},
		"team": {"update"},
		"workflow": {"cancel"},
		"integration": {"read"},
	},
	"admin": {
		"incident": {"delete"},
		"problem": {"delete"},
		"change": {"delete"},
		"cmdb": {"delete"},
		"team": {"create", "delete"},
		"notification": {"create", "update", "delete"},
		"workflow": {"deploy", "delete"},
		"integration": {"create", "update", "delete"},
		"user": {"create", "update", "delete"},
	},
	"integration": {
		"incident": {"create", "read"},
		"cmdb": {"read", "update"},
		"integration": {"read"},
	},
}

# All roles of the subject, the inherited ones too. A role that nobody knows grants nothing.
roles := graph.reachable(inherits, {role | some role in input.subject.roles})

granted if {
	some role in roles
	input.action in permissions[role][input.resource.module]
}

# --- attributes -----------------------------------------------------------------------------------------------------

# Nobody, not even an admin, reaches another tenant.
same_tenant if {
	input.subject.tenant != ""
	input.subject.tenant == input.resource.tenant
}

# Modules whose items belong to a person or a team; the others are everybody's within the tenant.
owned := {"incident", "problem", "change", "notification", "workflow"}

in_scope if not input.resource.module in owned

in_scope if input.action == "create"

in_scope if "manager" in roles

in_scope if "integration" in roles

# an agent: items of its teams, items assigned to it
in_scope if {
	"agent" in roles
	input.resource.team in input.subject.teams
}

in_scope if {
	"agent" in roles
	is_subject(input.resource.assignee)
}

# a requester: what it asked for itself
in_scope if is_subject(input.resource.owner)

is_subject(id) if {
	id != ""
	id == input.subject.id
}

# A change is approved by somebody else than those who asked for it or will make it, whatever their role.
duties_separate if not needs_separation

duties_separate if {
	input.subject.id != ""
	is_string(input.resource.owner)
	input.subject.id != input.resource.owner
	input.subject.id != object.get(input.resource, "assignee", "")
}

needs_separation if {
	input.resource.module == "change"
	input.action in {"approve", "reject"}
}

# A change is made in its window once it is approved; an emergency is a manager's to decide.
in_change_window if not needs_window

in_change_window if {
	input.resource.state == "approved"
	now := time.now_ns()
	time.parse_rfc3339_ns(input.resource.window.start) <= now
	now < time.parse_rfc3339_ns(input.resource.window.end)
}

in_change_window if {
	input.resource.emergency == true
	"manager" in roles
}

needs_window if {
	input.resource.module == "change"
	input.action == "implement"
}

# --- reasons --------------------------------------------------------------------------------------------------------

reasons contains "role: none of the subject's roles grants this action in this module" if not granted

reasons contains "tenant: subject and resource are not of the same tenant" if not same_tenant

reasons contains "scope: the resource is neither the subject's own nor its team's" if not in_scope

reasons contains "duties: who asks for a change or makes it does not approve it" if not duties_separate

reasons contains "window: the change is not approved, or now is outside of its window" if not in_change_window
