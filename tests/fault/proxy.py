"""A TCP proxy that knows where the messages of the PostgreSQL protocol begin and end, and breaks the connection at one of them.

    with Proxy(port) as proxy:                                       # to the server at 127.0.0.1:port
        proxy.fault = Fault(RST, BEFORE, FRONT, kind="Q", text=b"COMMIT")   # when the program says COMMIT, the server does not hear it
        ... run the program against 127.0.0.1:proxy.port ...
        proxy.fired                                                  # did the fault happen?
        proxy.log                                                    # [(FRONT, "Q", b"BEGIN..."), ...] of all sessions, in order

A message is the startup packet or a type byte with a length (https://www.postgresql.org/docs/current/protocol-message-formats.html).
Messages are counted over all sessions since reset(). TLS cannot be followed: the server must refuse it.
"""

import select
import socket
import struct
import threading
import time

FRONT, BACK = "front", "back"  # program to server, server to program
BEFORE, AFTER = "before", "after"  # the message is lost, or still forwarded
FIN, RST, STALL = "fin", "rst", "stall"

STARTUP, SSL, GSS, CANCEL, SSL_ANSWER = "startup", "ssl", "gss", "cancel", "answer"
CODES = {80877103: SSL, 80877104: GSS, 80877102: CANCEL}
LOGGED_BYTES = 200
TICK = 0.02


class Fault:
    """What happens, once, at the `at`-th message of a direction; with kind or text, at the `at`-th of those that match.

    action  FIN, RST: the session is cut. STALL: nothing passes any more, in both directions. A function: called, then all goes on.
    then    what new sessions meet afterwards: None all is well; n the next n are cut at once; "away" nobody listens, and all sessions are
            cut; "silent" all sessions stall, and new ones get no answer
    orphan  a stalled session stays open at the server when the program has gone, as if its network had died; release() ends that
    """

    def __init__(self, action, when=BEFORE, direction=FRONT, at=1, kind=None, text=None, then=None, orphan=False):
        self.action, self.when, self.direction, self.at = action, when, direction, at
        self.kind, self.text, self.then, self.orphan = kind, text, then, orphan
        self.seen = 0

    def matches(self, direction, kind, body):
        if direction != self.direction or self.kind not in (None, kind) or (self.text is not None and self.text not in body):
            return False
        self.seen += 1
        return self.seen == self.at

    def __repr__(self):
        action = self.action if isinstance(self.action, str) else "call"
        what = " ".join(str(part) for part in (self.kind, self.text) if part is not None)
        return f"{action} {self.when} {self.direction} message {self.at}{' of ' + what if what else ''}{f', then {self.then}' if self.then else ''}"


class Messages:
    """Cuts the bytes of one direction of a session into messages."""

    def __init__(self, startup):
        self.startup = startup
        self.bytes_expected = 0  # answers of one byte, to SSLRequest and GSSENCRequest
        self.buffer = bytearray()

    def feed(self, data):
        """Yields (kind, bytes) for each message that is whole."""
        self.buffer += data
        while True:
            if self.bytes_expected and self.buffer:
                self.bytes_expected -= 1
                yield SSL_ANSWER, self._take(1)
                continue
            head = 4 if self.startup else 5
            if len(self.buffer) < head:
                return
            length = struct.unpack_from(">I", self.buffer, head - 4)[0] + head - 4
            if len(self.buffer) < length:
                return
            message = self._take(length)
            if not self.startup:
                yield chr(message[0]), message
                continue
            kind = CODES.get(struct.unpack_from(">I", message, 4)[0], STARTUP)
            self.startup = kind in (SSL, GSS)
            yield kind, message

    def _take(self, count):
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken


def cut(sock, how):
    """Closes with FIN, or with RST: what was sent and not yet received is thrown away, too."""
    if how == RST:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def has_gone(sock):
    """Has the other side closed? What it sent before may wait unread."""
    poll = select.poll()
    poll.register(sock, select.POLLRDHUP)
    return bool(poll.poll(0))


class Session(threading.Thread):
    """One connection of the program and its twin to the server; one thread drives both directions."""

    def __init__(self, proxy, client):
        super().__init__(daemon=True)
        self.proxy, self.client, self.server = proxy, client, None
        self.front, self.back = Messages(True), Messages(False)

    def run(self):
        try:
            self.server = socket.create_connection(("127.0.0.1", self.proxy.target))
            self.server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self.step():
                pass
        except OSError:
            pass  # one side has gone: so does the other
        finally:
            self.close(FIN)

    def close(self, how):
        for sock in (self.client, self.server):
            if sock is not None:
                cut(sock, how)

    def step(self):
        if self.proxy.closed or self.proxy.mode == "away":
            self.close(RST)
            return False
        if self.proxy.mode == "silent":
            self.stall(self.proxy.orphan)
            return False
        for sock in select.select([self.client, self.server], [], [], TICK)[0]:
            data = sock.recv(1 << 18)
            if not data:
                return False
            front = sock is self.client
            for kind, message in (self.front if front else self.back).feed(data):
                if not self.forward(FRONT if front else BACK, kind, message):
                    return False
        return True

    def forward(self, direction, kind, message):
        if direction == FRONT and kind in (SSL, GSS):
            self.back.bytes_expected += 1
        fault = self.proxy.count(direction, kind, message)
        if fault is not None and fault.when == BEFORE and not self.do(fault):
            return False
        (self.server if direction == FRONT else self.client).sendall(message)
        return fault is None or fault.when == BEFORE or self.do(fault)

    def do(self, fault):
        """True when the session goes on."""
        if callable(fault.action):
            fault.action()
            return True
        self.proxy.after(fault)
        if fault.action == STALL:
            self.stall(fault.orphan)
        else:
            self.close(fault.action)
        return False

    def stall(self, orphan):
        while not self.proxy.closed and not has_gone(self.client):
            time.sleep(TICK)
        self.client.close()
        while orphan and not self.proxy.closed and not self.proxy.released.wait(TICK):
            pass


class Proxy:
    """Listens on 127.0.0.1:port from open() to close(); the port stays the same."""

    def __init__(self, target):
        self.target, self.port = target, 0
        self.lock, self.listener, self.sessions, self.released = threading.Lock(), None, [], threading.Event()
        self.closed = False
        self.reset()
        self.open()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def reset(self):
        """Forgets all counts; everything passes."""
        self.release()
        for session in self.sessions:
            session.join(10)
        self.fault, self.fired, self.mode, self.refuse, self.orphan = None, False, None, 0, False
        self.log, self.connects, self.sessions = [], 0, []
        self.released = threading.Event()

    def calm(self):
        """From now on everything passes."""
        self.fault, self.refuse = None, 0

    def open(self):
        """Listens (again)."""
        self.mode = None
        if self.listener is None:
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(("127.0.0.1", self.port))
            self.listener.listen(64)
            self.port = self.listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def shut(self):
        """Nobody listens; connects are refused by the kernel. Sessions are cut."""
        self.mode = "away"
        if self.listener is not None:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None

    def silence(self, orphan=False):
        """Sessions stall; new ones get no answer."""
        self.mode, self.orphan = "silent", orphan

    def release(self):
        """Stalled sessions that the program has left end at the server, too."""
        self.released.set()

    def close(self):
        self.shut()
        self.closed = True
        self.reset()

    # --- for Session

    def count(self, direction, kind, message):
        """Notes a message. The fault when it is due here."""
        with self.lock:
            body = message[5:] if len(kind) == 1 else message
            self.log.append((direction, kind, body[:LOGGED_BYTES]))
            fault = self.fault
            if fault is None or self.fired or not fault.matches(direction, kind, body):
                return None
            self.fired = True
            return fault

    def after(self, fault):
        with self.lock:
            if fault.then == "away":
                self.shut()
            elif fault.then == "silent":
                self.silence(fault.orphan)
            elif fault.then:
                self.refuse = fault.then

    def _accept(self, listener):
        while True:
            try:
                client = listener.accept()[0]
            except OSError:
                return
            with self.lock:
                self.connects += 1
                refused = self.refuse > 0
                self.refuse -= refused
            if refused:
                cut(client, RST)
                continue
            session = Session(self, client)
            self.sessions.append(session)
            session.start()
