"""Replace this process by a server that cannot outlive its owner (RUN-2).

Started by path, not as a module, so that it costs milliseconds and imports nothing of the product:
`python -I -S launch.py OWNER_PID DEATH_SIGNAL UID GID COMMAND ARGUMENT…`, where a negative UID keeps the user.

`preexec_fn` would do the same, but it runs Python between fork and exec, which may hang in a process with threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> None:
    """Drop to the given user, ask the kernel to be told of the owner's death, and become the command.

    :raises OSError: the command cannot be started.
    """
    owner, death_signal, uid, gid = (int(word) for word in argv[:4])
    command = argv[4:]
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After setuid: the kernel forgets the wish when a process changes its user.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != owner:
            # The owner died before the wish was heard, so nobody would ever fulfill it.
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - an argument list of ours, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
