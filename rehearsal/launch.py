# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Become the program that a JSON file describes: `python -I -S launch.py FILE`. Standard library only.

Supervisor's own configuration cuts values at ` ;` and ` #`, expands `%(…)s` and has no newlines, so the command and
its environment travel in a file of their own. The log is opened here too: a program outlives neither its log's folder
nor a crash of supervisord by writing into a closed pipe.
"""

import json
import os
import pwd
import sys

LOG_LIMIT = 16 * 1024 * 1024  # bytes; a longer log is set aside when its program starts again


def become(program: dict) -> None:
    """Replace this process by the program; ends it with status 127 when there is no such program."""
    log = program["logfile"]
    os.makedirs(os.path.dirname(log), exist_ok=True)
    if os.path.exists(log) and os.path.getsize(log) > LOG_LIMIT:
        os.replace(log, log + ".1")
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    environment = {**os.environ, **program["environment"]}
    try:
        if program["user"]:
            account = pwd.getpwnam(program["user"])
            os.initgroups(account.pw_name, account.pw_gid)
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
            environment |= {"HOME": account.pw_dir, "USER": account.pw_name, "LOGNAME": account.pw_name}
        os.chdir(program["directory"])
        os.execvpe(program["command"][0], program["command"], environment)
    except (OSError, KeyError) as error:
        print(f"cannot start {program['command'][0]}: {error}", file=sys.stderr, flush=True)
        os._exit(127)


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        become(json.load(file))
