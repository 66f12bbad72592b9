# Decisions of the policy, allowed and denied. Run with: opa test roles/synergyflow_backend/files/policy.rego tests/rego
package synergyflow.authz_test

import data.synergyflow.authz

subject(role) := {"id": "ann", "tenant": "acme", "roles": [role], "teams": ["network"]}

incident := {"module": "incident", "tenant": "acme", "team": "network", "owner": "bob", "assignee": "cid"}

change := {
	"module": "change",
	"tenant": "acme",
	"team": "network",
	"owner": "bob",
	"assignee": "cid",
	"state": "approved",
	"window": {"start": "2026-11-21T22:00:00Z", "end": "2026-11-21T23:00:00Z"},
}

before := time.parse_rfc3339_ns("2026-11-21T21:59:59Z")

inside := time.parse_rfc3339_ns("2026-11-21T22:00:00Z")

after := time.parse_rfc3339_ns("2026-11-21T23:00:00Z")

asked(role, action, resource) := decision if {
	decision := authz.decision with input as {"subject": subject(role), "action": action, "resource": resource}
}

denied_by(decision, rules) if {
	not decision.allow
	{split(reason, ":")[0] | some reason in decision.reasons} == rules
}

# --- default ----------------------------------------------------------------------------------------------------------

test_nothing_asked_is_denied if {
	authz.decision.allow == false with input as {}
	denied_by(asked("nobody", "read", incident), {"role", "scope"})
}

test_every_missing_part_denies if {
	full := {"subject": subject("agent"), "action": "update", "resource": incident}
	authz.allow with input as full
	every path in [
		"subject",
		"action",
		"resource",
		"subject/tenant",
		"subject/roles",
		"subject/teams",
		"resource/module",
		"resource/tenant",
		"resource/team",
	] {
		not authz.allow with input as json.remove(full, [path])
	}
}

# An attribute that is missing on both sides, or empty, is no match.
test_empty_attributes_do_not_match if {
	not authz.allow with input as {
		"subject": object.union(subject("admin"), {"tenant": ""}),
		"action": "read",
		"resource": object.union(incident, {"tenant": ""}),
	}
	not authz.allow with input as {
		"subject": object.union(subject("requester"), {"id": ""}),
		"action": "read",
		"resource": object.union(incident, {"owner": ""}),
	}
}

# --- roles ------------------------------------------------------------------------------------------------------------

test_roles_inherit if {
	asked("admin", "read", incident).roles == ["admin", "agent", "manager", "requester"]
	asked("manager", "read", incident).roles == ["agent", "manager", "requester"]
	asked("requester", "read", incident).roles == ["requester"]
	asked("integration", "read", incident).roles == ["integration"]
}

test_nobody_inherits_upwards if {
	denied_by(asked("agent", "close", incident), {"role"})
	denied_by(asked("manager", "delete", incident), {"role"})
	asked("manager", "close", incident).allow
	asked("admin", "delete", incident).allow
}

# module, action -> the least role that may; every role below is denied
least := {
	["incident", "create"]: "requester",
	["incident", "resolve"]: "agent",
	["incident", "reopen"]: "manager",
	["change", "approve"]: "manager",
	["problem", "create"]: "agent",
	["problem", "close"]: "manager",
	["knowledge", "read"]: "requester",
	["knowledge", "update"]: "agent",
	["knowledge", "publish"]: "manager",
	["cmdb", "update"]: "agent",
	["cmdb", "delete"]: "admin",
	["team", "update"]: "manager",
	["team", "create"]: "admin",
	["notification", "create"]: "admin",
	["workflow", "start"]: "agent",
	["workflow", "deploy"]: "admin",
	["integration", "read"]: "manager",
	["integration", "update"]: "admin",
	["user", "read"]: "requester",
	["user", "delete"]: "admin",
}

ladder := {"requester": 0, "agent": 1, "manager": 2, "admin": 3}

default at_least(_, _) := false

at_least(position, other) if position >= other

test_each_module_has_its_least_role if {
	every permission, role in least {
		every name, position in ladder {
			decision := asked(name, permission[1], object.union(incident, {"module": permission[0]}))
			decision.allow == at_least(position, ladder[role])
		}
	}
}

test_the_plans_modules_are_all_there if {
	modules := {module | some role in authz.permissions; some module, _ in role}
	modules == {
		"user", "incident", "change", "problem", "workflow", "notification", "cmdb", "team", "knowledge",
		"integration",
	}
}

test_a_module_or_role_nobody_knows_grants_nothing if {
	denied_by(asked("admin", "read", object.union(incident, {"module": "payroll"})), {"role"})
	denied_by(asked("superuser", "create", incident), {"role"})
}

test_an_integration_stays_in_its_modules if {
	asked("integration", "create", incident).allow
	asked("integration", "update", object.union(incident, {"module": "cmdb"})).allow
	denied_by(asked("integration", "resolve", incident), {"role"})
}

# --- attributes -------------------------------------------------------------------------------------------------------

test_another_tenant_is_out_of_reach_for_an_admin_too if {
	denied_by(asked("admin", "read", object.union(incident, {"tenant": "globex"})), {"tenant"})
}

test_an_agent_works_for_its_teams_and_on_what_is_assigned if {
	asked("agent", "update", incident).allow
	denied_by(asked("agent", "update", object.union(incident, {"team": "storage"})), {"scope"})
	asked("agent", "update", object.union(incident, {"team": "storage", "assignee": "ann"})).allow
	asked("manager", "update", object.union(incident, {"team": "storage"})).allow
}

test_a_requester_sees_its_own if {
	denied_by(asked("requester", "read", incident), {"scope"})
	asked("requester", "read", object.union(incident, {"owner": "ann"})).allow

	# being in the team is not enough for a requester, nor is being named as the assignee
	denied_by(asked("requester", "read", object.union(incident, {"assignee": "ann"})), {"scope"})
}

test_nobody_approves_a_change_of_their_own if {
	asked("manager", "approve", change).allow
	denied_by(asked("manager", "approve", object.union(change, {"owner": "ann"})), {"duties"})
	denied_by(asked("admin", "approve", object.union(change, {"assignee": "ann"})), {"duties"})
	denied_by(asked("admin", "reject", object.union(change, {"owner": "ann"})), {"duties"})
	denied_by(asked("admin", "approve", object.remove(change, ["owner"])), {"duties"})
}

test_a_change_is_made_in_its_window if {
	asked("agent", "implement", change).allow with time.now_ns as inside
	denied_by(asked("agent", "implement", change), {"window"}) with time.now_ns as before
	denied_by(asked("agent", "implement", change), {"window"}) with time.now_ns as after
	denied_by(asked("manager", "implement", change), {"window"}) with time.now_ns as after
}

test_a_change_without_approval_or_window_waits if {
	every resource in [
		object.union(change, {"state": "requested"}),
		object.remove(change, ["state"]),
		object.remove(change, ["window"]),
		object.union(change, {"window": {"start": "tonight", "end": "tomorrow"}}),
	] {
		denied_by(asked("agent", "implement", resource), {"window"}) with time.now_ns as inside
	}
}

test_an_emergency_is_a_managers_to_decide if {
	emergency := object.union(change, {"state": "requested", "emergency": true})
	denied_by(asked("agent", "implement", emergency), {"window"}) with time.now_ns as before
	asked("manager", "implement", emergency).allow with time.now_ns as before
}

test_all_reasons_are_given if {
	resource := {"module": "change", "tenant": "globex", "team": "storage", "owner": "ann"}
	denied_by(asked("requester", "approve", resource), {"role", "tenant", "duties"})
	denied_by(asked("agent", "approve", object.union(resource, {"owner": "bob"})), {"role", "tenant", "scope"})
}
