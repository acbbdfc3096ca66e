"""A guestbook: whoever has a name in `users` signs in, reads the entries and adds one. SQLite, migrated at start."""

import hashlib
import hmac
import json
import os
import signal
import socket
import sqlite3
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

with open("release.json", encoding="utf-8") as file:
    RELEASE = json.load(file)
FAULT = RELEASE.get("fault")
KEY = os.environ["APP_KEY"]
DATABASE = os.path.join("data", "guestbook.db")


def connect():
    connection = sqlite3.connect(DATABASE, timeout=5, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    return connection


def migrate(connection):
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute("BEGIN IMMEDIATE")
    if schema < 1:
        connection.execute("CREATE TABLE users (name TEXT PRIMARY KEY, password TEXT NOT NULL)")
        connection.execute("CREATE TABLE entries (id INTEGER PRIMARY KEY, author TEXT NOT NULL, text TEXT NOT NULL)")
        connection.execute("INSERT INTO users VALUES ('ada', ?)", (digest("open sesame"),))
        connection.execute("INSERT INTO entries (author, text) VALUES ('ada', 'the first entry')")
    for step in range(max(schema, 1) + 1, RELEASE["schema"] + 1):
        connection.execute(f"ALTER TABLE entries ADD COLUMN stars_{step} INTEGER NOT NULL DEFAULT 0")
        time.sleep(RELEASE.get("slowMigrationMs", 0) / 1000)
    if FAULT == "destroys-data":
        connection.execute("ALTER TABLE entries DROP COLUMN text")
        connection.execute("ALTER TABLE entries ADD COLUMN text TEXT NOT NULL DEFAULT ''")
        connection.execute("DELETE FROM entries WHERE id > 1")
    if FAULT == "migrates-then-cannot-bind":
        connection.execute("ALTER TABLE entries RENAME COLUMN author TO writer")
    connection.execute(f"PRAGMA user_version = {max(schema, RELEASE['schema'])}")
    connection.execute("COMMIT")


def digest(text):
    return hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


class Guestbook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/healthz":
            return self.answer(503 if FAULT == "never-ready" else 200, {"ready": FAULT != "never-ready"})
        if self.path == "/version":
            return self.answer(200, {"version": RELEASE["version"]})
        if self.path == "/entries":
            if self.user() is None:
                return self.answer(401, {"error": "log in first"})
            if FAULT == "errors-on-one-endpoint":
                return self.answer(500, {"error": "out of ink"})
            rows = connect().execute("SELECT id, author, text FROM entries ORDER BY id").fetchall()
            return self.answer(200, [{"id": row[0], "author": row[1], "text": row[2]} for row in rows])
        return self.answer(404, {"error": "no such page"})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if self.path == "/login":
            row = connect().execute("SELECT password FROM users WHERE name = ?", (body.get("user"),)).fetchone()
            if FAULT == "nobody-can-log-in" or row is None or row[0] != digest(body.get("password", "")):
                return self.answer(401, {"error": "no such user or password"})
            return self.answer(200, {"token": f"{body['user']}.{digest(body['user'])}"})
        if self.path == "/entries":
            user = self.user()
            if user is None:
                return self.answer(401, {"error": "log in first"})
            cursor = connect().execute("INSERT INTO entries (author, text) VALUES (?, ?)", (user, body["text"]))
            return self.answer(201, {"id": cursor.lastrowid})
        return self.answer(404, {"error": "no such page"})

    def user(self):
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        name, _, proof = token.partition(".")
        return name if hmac.compare_digest(proof, digest(name)) else None

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def listen():
    port = int(os.environ["PORT"])
    if FAULT == "migrates-then-cannot-bind":
        sys.exit(f"port {port} cannot be bound")
    if os.environ.get("LISTEN_FDS") != "1":
        return Server(("127.0.0.1", port), Guestbook)
    server = Server(("127.0.0.1", port), Guestbook, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=3)
    server.server_activate()
    return server


def main():
    if FAULT == "crash-at-start":
        raise RuntimeError("a page is missing")
    if FAULT == "exit-zero-at-start":
        sys.exit(0)
    migrate(connect())
    server = listen()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()


main()
