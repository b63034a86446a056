#!/usr/bin/env python3
"""Asks in a new conversation, and prints the replies as they are made: python3 chat.py "Hola" "¿Y mañana?"

Needs nothing but Python. Ctrl+C stops a reply; its text so far is kept.
"""

import http.client
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
import uuid

API = os.environ.get("CHATAPI_URL", "http://localhost:5000").rstrip("/")

# The server says something every 15 s: after three such silences nobody is there, whatever the socket believes.
SILENCE = 45

# A server that died is noticed by the others within 30 s: the waits add up to more than that.
WAITS = [0.5, 1, 2, 4, 8, 8, 8, 8]


class ChatError(Exception):
    """An answer that is not a success."""

    def __init__(self, status, sentence):
        super().__init__(sentence)
        self.status = status


class Chat:
    """One conversation."""

    def __init__(self, email, password):
        self.token = ""
        self.token = self.call("POST", "/api/auth/login", {"email": email, "password": password})["token"]
        self.session = self.call("POST", "/api/chat/realtime/sessions", {})["id"]
        self.realtime = f"/api/chat/realtime/sessions/{self.session}"
        self.run = None

    def ask(self, content):
        """The pieces of the reply, as they come, over as many connections as it takes."""
        # Should the answer get lost, the same key makes it safe to ask again: it leads to the reply that was begun.
        key = str(uuid.uuid4())
        self.run, seq, failures = None, 0, 0
        while True:
            try:
                if self.run is None:
                    stream = self.open("POST", f"{self.realtime}/stream", {"content": content}, {"Idempotency-Key": key})
                else:
                    stream = self.open("GET", f"{self.realtime}/stream?run_id={self.run}&after={seq}")
                with stream:
                    for event in read_events(stream):
                        failures = 0
                        if event["type"] == "start":
                            self.run = event["run_id"]
                        elif event["type"] == "content" and event["seq"] > seq:
                            seq = event["seq"]
                            yield event["content"]
                        elif event["type"] == "done":
                            return
                        elif event["type"] == "error":
                            raise ChatError(0, event["error"])
            except ChatError as error:
                # To the first request a refusal is the answer. Once something broke, or the reply has begun, what passes is waited for.
                if (self.run is None and failures == 0) or not (error.status == 429 or error.status >= 500):
                    raise
            except (OSError, http.client.HTTPException):
                pass
            if failures == len(WAITS):
                raise ChatError(0, "The connection broke off.")
            time.sleep(WAITS[failures])
            failures += 1

    def stop(self):
        """Ends the reply; the text so far is kept, and the stream comes to its end. Before there is one, ends the program."""
        if self.run is None:
            raise KeyboardInterrupt
        self.call("POST", f"{self.realtime}/stop", {"run_id": self.run})

    def call(self, method, path, body=None):
        with self.open(method, path, body) as response:
            return json.load(response)

    def open(self, method, path, body=None, headers=None):
        request = urllib.request.Request(API + path, method=method, headers={
            "Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **(headers or {})})
        try:
            return urllib.request.urlopen(request, None if body is None else json.dumps(body).encode(), timeout=SILENCE)
        except urllib.error.HTTPError as refusal:
            with refusal:
                text = refusal.read()
            try:
                sentence = json.loads(text)["error"]
            except (ValueError, KeyError):
                sentence = f"The server answered {refusal.code}."
            raise ChatError(refusal.code, sentence) from None


def read_events(stream):
    """The events of a stream, however its bytes are split. What is no data is a comment, or an id."""
    for line in stream:
        if line.startswith(b"data: ") and line.endswith(b"\n"):
            yield json.loads(line[len(b"data: "):])


def main():
    chat = Chat(os.environ.get("CHATAPI_EMAIL", "test@example.com"), os.environ.get("CHATAPI_PASSWORD", "password123"))
    signal.signal(signal.SIGINT, lambda *_: chat.stop())
    for question in sys.argv[1:]:
        for piece in chat.ask(question):
            print(piece, end="", flush=True)
        print()


if __name__ == "__main__":
    try:
        main()
    except ChatError as error:
        sys.exit(f"\n{error}")
