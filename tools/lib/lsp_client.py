"""A small client of a language server: a scripted JSON-RPC session over the
server's standard input and output."""

import json
import subprocess
import threading


class LspError(Exception):
    """The server answered with an error, or not as the protocol demands."""


class LspClient:
    """Starts a server; use as a context manager, which shuts it down."""

    def __init__(self, command, seconds=60):
        self.server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)
        # A server that hangs ends the session instead of the caller's patience.
        self.watchdog = threading.Timer(seconds, self.server.kill)
        self.watchdog.start()
        self.requests = 0
        self.notifications = []

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.watchdog.cancel()
        if self.server.poll() is None:
            self.server.kill()
        self.server.wait()
        self.server.stdin.close()
        self.server.stdout.close()

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        try:
            self.server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            self.server.stdin.flush()
        except BrokenPipeError as error:
            raise LspError("the server is gone") from error

    def receive(self):
        """The next message of the server."""
        length = None
        while True:
            line = self.server.stdout.readline()
            if not line:
                raise LspError("the server closed its output")
            name, _, value = line.decode().strip().partition(":")
            if name.lower() == "content-length":
                length = int(value)
            elif not name:
                break
        if length is None:
            raise LspError("a message without Content-Length")
        return json.loads(self.server.stdout.read(length))

    def request(self, method, params):
        """The result of a request; notifications on the way are kept."""
        self.requests += 1
        self.send({"id": self.requests, "method": method, "params": params})
        while True:
            message = self.receive()
            if message.get("id") != self.requests or "method" in message:
                self.notifications.append(message)
                continue
            if "error" in message:
                raise LspError(f"{method}: {message['error']}")
            return message["result"]

    def notify(self, method, params):
        self.send({"method": method, "params": params})

    def notification(self, method):
        """The parameters of the next notification of this kind."""
        while True:
            for index, message in enumerate(self.notifications):
                if message.get("method") == method:
                    return self.notifications.pop(index)["params"]
            self.notifications.append(self.receive())

    def open(self, uri, text):
        """Opens a document; returns its diagnostics."""
        self.notify("textDocument/didOpen", {"textDocument": {
            "uri": uri, "languageId": "mlir", "version": 1, "text": text}})
        return self.notification("textDocument/publishDiagnostics")["diagnostics"]

    def at(self, method, uri, text, needle, occurrence=0):
        """The answer at the start of the n-th `needle` of the text."""
        offset = -1
        for _ in range(occurrence + 1):
            offset = text.index(needle, offset + 1)
        line = text.count("\n", 0, offset)
        column = offset - (text.rfind("\n", 0, offset) + 1)
        return self.request("textDocument/" + method, {
            "textDocument": {"uri": uri}, "position": {"line": line, "character": column}})

    def close(self):
        """Shuts the server down as the protocol says; returns its exit status."""
        self.request("shutdown", None)
        self.notify("exit", None)
        return self.server.wait()
