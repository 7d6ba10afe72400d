"""The parent of one trial. It starts the training, stays beside it, and ends with nothing of it left behind.

    python -I -S launcher.py CONTROL        CONTROL: the number of an inherited socket, whose other end the engine holds

It owns how the tree of a trial begins and ends. It does not own why a training is ended, for how long it may run and what its log
may weigh (`trainer.py`), nor what it may touch (`sandbox.py`, in the command that is given here).

It does not become the training by exec: it remains its parent, and on Linux the reaper of every orphan below it. So an engine that
dies, however it dies, is noticed (the socket ends), and the whole tree goes too, daemons included. And "no process left" is not a
guess: when the kernel says that a reaper has no children, nothing of the trial lives.

    engine -> launcher    order LENGTH\\n and so many bytes; go; end SECONDS (of patience between TERM and KILL)
    launcher -> engine    {"main": pid}; when all is over {"code": .., "by": "itself" | "engine" | "signal", "left": [], ..}. If
                          nothing ends some process for KILL_BOUND_S, it says so ("left"), and stays with it

Nothing runs before `go`: the engine first writes down which process it is about to release. Where there is no such reaper (macOS)
the tree is the training's process group, and a daemon that leaves the group is not found.

Only the standard library, and of it the little that loads fast: the GPU waits for this file.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import select
import signal
import sys
import time

LINUX = sys.platform == "linux"
STRAGGLER_GRACE_S = 1.0  # for what outlives a training that ended by itself
KILL_BOUND_S = 10.0  # a process that survives KILL for so long hangs in the kernel
ROUND_S = 0.02  # between two rounds of KILL, unless a death wakes us earlier
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def prctl(option: int, value: int) -> None:
    if LINUX and ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl {option}")


# ---------------------------------------------------------------------------------------------------------------------------------
# Processes as /proc shows them
# ---------------------------------------------------------------------------------------------------------------------------------


class Seen:
    """One process at one moment. Its pid and its birth, in the kernel's ticks, name it for ever."""

    __slots__ = ("born", "dead", "parent", "pid", "session")

    def __init__(self, pid: int, stat: bytes) -> None:
        fields = stat[stat.rindex(b")") + 2 :].split()  # the name before may hold anything
        self.pid = pid
        self.parent = int(fields[1])
        self.session = int(fields[3])
        self.born = int(fields[19])
        self.dead = fields[0] in (b"Z", b"X") and int(fields[17]) <= 1  # a process whose first thread has ended may live on in others


def look(pid: int) -> Seen | None:
    """The process of this number, if there is one."""
    try:
        number = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return None
    try:
        return Seen(pid, os.read(number, 4096))
    except ProcessLookupError:
        return None
    finally:
        os.close(number)


def processes() -> list[Seen]:
    """All that can be seen, the newest numbers first: what forks on and on is met where it just went."""
    numbers = sorted((int(name) for name in os.listdir("/proc") if name.isdigit()), reverse=True) if LINUX else []
    return [one for one in map(look, numbers) if one]


def below(roots: set[int], seen: list[Seen]) -> list[Seen]:
    """The descendants of these processes."""
    children: dict[int, list[Seen]] = {}
    for one in seen:
        children.setdefault(one.parent, []).append(one)
    found: list[Seen] = []
    todo = list(roots)
    while todo:
        more = children.pop(todo.pop(), [])
        found += more
        todo += [one.pid for one in more]
    return found


def send(one: Seen, number: int) -> None:
    """A signal to exactly this process, and never to a later one that was given its number."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        pidfd = os.pidfd_open(one.pid)
        try:
            now = look(one.pid)
            if now and now.born == one.born:
                signal.pidfd_send_signal(pidfd, number)
        finally:
            os.close(pidfd)


# ---------------------------------------------------------------------------------------------------------------------------------
# What the launcher hears
# ---------------------------------------------------------------------------------------------------------------------------------


class Order:
    """What to run: fields with a zero byte between them, as in /proc/PID/environ."""

    def __init__(self, text: bytes) -> None:
        folder, grace, file_bytes, held, descriptors, arguments, *rest = text.split(b"\0")
        self.folder = folder
        self.grace = float(grace)
        self.file_bytes = int(file_bytes)
        self.held = held == b"held"  # the main process is a sandbox, which ends by itself with what it holds
        self.descriptors = [int(number) for number in descriptors.split()]
        self.command = rest[: int(arguments)]
        self.environment = dict(entry.split(b"=", 1) for entry in rest[int(arguments) :])


class Ears:
    """The engine's words, the end of the engine, and signals: all in one place to wait at."""

    def __init__(self, control: int) -> None:
        self.control = control
        self.text = b""
        self.order: Order | None = None
        self.go = False
        self.end_by = 0.0  # when patience ends, on the monotonic clock; 0: nobody asked for the end
        self.asked_by = ""
        self.signals, writing = os.pipe()
        for number in (self.signals, writing):
            os.set_blocking(number, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):  # a terminal's; the engine decides what they mean
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: self.ask("signal"))
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only wakes
        self.poll = select.poll()
        self.poll.register(control, select.POLLIN)
        self.poll.register(self.signals, select.POLLIN)

    def ask(self, by: str, patience: float | None = None) -> None:
        """Somebody wants the end. Asked twice, the shorter patience holds."""
        if patience is None:
            patience = self.order.grace if self.order else 0.0
        end_by = time.monotonic() + patience
        self.end_by = min(self.end_by or end_by, end_by)
        self.asked_by = self.asked_by or by

    def listen(self, timeout: float | None) -> None:
        """Wait until there is something to hear, at most so many seconds."""
        for number, _ in self.poll.poll(None if timeout is None else max(0.0, timeout) * 1000):
            if number == self.signals:
                os.read(self.signals, 4096)
            else:
                self.hear()

    def hear(self) -> None:
        try:
            came = os.read(self.control, 1 << 16)
        except ConnectionResetError:
            came = b""
        if not came:  # the engine is gone
            self.poll.unregister(self.control)
            self.ask("engine")
        self.text += came
        while b"\n" in self.text:
            line, rest = self.text.split(b"\n", 1)
            word, _, value = line.partition(b" ")
            if word == b"order":
                if len(rest) < int(value):
                    return  # until the rest of it comes
                self.order, rest = Order(rest[: int(value)]), rest[int(value) :]
            elif word == b"go":
                self.go = True
            elif word == b"end":
                self.ask("engine", float(value))
            self.text = rest


# ---------------------------------------------------------------------------------------------------------------------------------
# The trial
# ---------------------------------------------------------------------------------------------------------------------------------


class Trial:
    """The training and everything below it."""

    def __init__(self, order: Order) -> None:
        self.status: int | None = None  # of the main process, as wait gives it
        self.held = order.held
        self.failure, writing = os.pipe()  # holds the errno of a training that could not be started
        launcher = os.getpid()
        self.main = os.fork()
        if self.main == 0:
            become_training(order, launcher, writing)
        os.close(writing)
        for number in order.descriptors:  # the training's alone, or nobody would ever see the end of a pipe
            os.close(number)

    def gone(self) -> bool:
        """Collect the dead. True when nothing is left, by the kernel's word."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return LINUX or not self.group_lives()
            if pid == 0:
                return False
            if pid == self.main:
                self.status = status

    def group_lives(self) -> bool:
        try:
            os.killpg(self.main, 0)
        except OSError:
            return False
        return True

    def living(self) -> list[Seen]:
        return [one for one in below({os.getpid()}, processes()) if not one.dead]

    def signal(self, *numbers: int) -> int:
        """Tell all of them, each once; how many there were. A sandbox that heard TERM would kill what it holds, and end its patience."""
        living = self.living()
        for number in numbers:
            for one in living:
                if not (self.held and one.pid == self.main and number == signal.SIGTERM):
                    send(one, number)
            if not LINUX:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.main, number)
        return len(living)


def become_training(order: Order, launcher: int, failure: int) -> None:
    """In the child: everything between fork and exec. Never returns."""
    try:
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != launcher:  # it was gone before the line above
            os._exit(127)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if order.file_bytes:
            resource.setrlimit(resource.RLIMIT_FSIZE, (order.file_bytes, order.file_bytes))
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
            score.write("500")  # if memory runs out, this goes before the engine
        os.umask(0o077)
        os.chdir(order.folder)
        os.execvpe(order.command[0], order.command, order.environment)
    except OSError as error:
        os.write(failure, b"%d" % (error.errno or errno.EINVAL))
    except ValueError:  # a limit above the one that holds here
        os.write(failure, b"%d" % errno.EINVAL)
    os._exit(127)


def supervise(ears: Ears, order: Order) -> None:
    """From `go` to the proof that nothing is left."""
    trial = Trial(order)
    tell(ears.control, f'{{"main": {trial.main}}}')
    while not trial.gone() and trial.status is None and not ears.end_by:
        ears.listen(None)

    itself, stragglers = not ears.end_by, 0
    if not trial.gone():
        told = trial.signal(signal.SIGTERM, signal.SIGCONT)  # who stands still has to hear it too
        if itself:
            ears.ask("itself", STRAGGLER_GRACE_S)
            stragglers = told
    while not trial.gone() and time.monotonic() < ears.end_by:
        ears.listen(ears.end_by - time.monotonic())

    reported = False
    while not trial.gone():
        trial.signal(signal.SIGKILL)  # whatever forks meanwhile comes to us and is met in another round
        if not reported and time.monotonic() > ears.end_by + KILL_BOUND_S:
            reported = True
            tell(ears.control, report(trial, ears, stragglers, trial.living()))
        ears.listen(1.0 if reported else ROUND_S)
    if not reported:
        tell(ears.control, report(trial, ears, stragglers, []))


def report(trial: Trial, ears: Ears, stragglers: int, left: list[Seen]) -> str:
    """One line of JSON, by hand: it holds numbers and one of our words, and to load the library would take a third of our start."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = "null" if trial.status is None else os.waitstatus_to_exitcode(trial.status)
    failed = os.read(trial.failure, 16).decode() if trial.status == 127 << 8 else ""  # and empty if the training says 127 itself
    cpu_s, rss_mb = used.ru_utime + used.ru_stime, used.ru_maxrss / (1024 if LINUX else 1024 * 1024)
    return (
        f'{{"code": {code}, "by": "{ears.asked_by or "itself"}", "stragglers": {stragglers}, "left": {[one.pid for one in left]}, '
        f'"cpu_s": {cpu_s:.3f}, "rss_mb": {rss_mb:.1f}, "errno": {failed or 0}}}'
    )


def tell(control: int, line: str) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # an engine that is gone needs no report
        os.write(control, line.encode() + b"\n")


def main() -> None:
    control = int(sys.argv[1])
    os.set_inheritable(control, False)
    ears = Ears(control)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    while not ears.end_by and not (ears.go and ears.order):
        ears.listen(None)
    if ears.order and not ears.end_by:
        supervise(ears, ears.order)
    os._exit(0)


if __name__ == "__main__":
    main()
