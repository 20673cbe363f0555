#!/usr/bin/env python3
"""Asks a Kafka broker whether it can be worked with, and exits 0 if so.

    probe.py PORT NODE_ID            this broker answers and the cluster counts it among the living
    probe.py --cluster N PORT        N brokers live, groups and transactions have their coordinators,
                                     and every replica of the topics behind them is in sync

An open port says little: a broker listens before the cluster lets it serve, and the first consumer group and the
first transaction otherwise wait until their internal topics are made. Asking for the coordinators makes them.

Speaks the protocol itself, in versions that every broker since 2.0 knows: a Java client would take longer to start
than the answer takes.
"""

import socket
import struct
import sys

METADATA, FIND_COORDINATOR = 3, 10
GROUP, TRANSACTION = 0, 1
INTERNAL_TOPICS = ("__consumer_offsets", "__transaction_state")


class NotReady(Exception):
    """What is still missing."""


class Reader:
    """Reads the big-endian fields of a response in order."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, form):
        value = struct.unpack_from(">" + form, self.data, self.at)[0]
        self.at += struct.calcsize(">" + form)
        return value

    def string(self):
        length = self.number("h")
        if length < 0:
            return None
        self.at += length
        return self.data[self.at - length : self.at].decode()

    def array(self, item):
        return [item() for _ in range(self.number("i"))]


def string(text):
    return struct.pack(">h", len(text)) + text.encode()


class Broker:
    """One connection to one broker."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)

    def _read(self, length):
        data = b""
        while len(data) < length:
            more = self.socket.recv(length - len(data))
            if not more:
                raise ConnectionError("the broker closed the connection")
            data += more
        return data

    def call(self, api, version, body):
        request = struct.pack(">hhi", api, version, 1) + string("kleos-probe") + body
        self.socket.sendall(struct.pack(">i", len(request)) + request)
        response = Reader(self._read(struct.unpack(">i", self._read(4))[0]))
        response.number("i")  # the correlation id: there is one request at a time
        return response

    def metadata(self, topics=()):
        """The ids of the living brokers, and per topic its error and partitions."""
        answer = self.call(METADATA, 1, struct.pack(">i", len(topics)) + b"".join(map(string, topics)))

        def broker():
            node = answer.number("i")
            answer.string(), answer.number("i"), answer.string()
            return node

        def partition():
            answer.number("h"), answer.number("i")
            leader = answer.number("i")
            replicas, in_sync = answer.array(lambda: answer.number("i")), answer.array(lambda: answer.number("i"))
            return leader, replicas, in_sync

        def topic():
            error, name = answer.number("h"), answer.string()
            answer.number("b")
            return name, error, answer.array(partition)

        brokers = answer.array(broker)
        answer.number("i")
        return set(brokers), answer.array(topic)

    def find_coordinator(self, kind):
        """0, or Kafka's error code."""
        answer = self.call(FIND_COORDINATOR, 1, string("kleos-probe") + struct.pack(">b", kind))
        answer.number("i")
        return answer.number("h")


def check_broker(port, node):
    if node not in Broker(port).metadata()[0]:
        raise NotReady(f"broker {node} answers but does not serve yet")


def check_cluster(size, port):
    broker = Broker(port)
    alive, _ = broker.metadata()
    if len(alive) < size:
        raise NotReady(f"{len(alive)} of {size} brokers serve")
    for kind, name in ((GROUP, "groups"), (TRANSACTION, "transactions")):
        error = broker.find_coordinator(kind)
        if error:
            raise NotReady(f"no coordinator for {name} yet (error {error})")
    for name, error, partitions in broker.metadata(INTERNAL_TOPICS)[1]:
        behind = [p for p in partitions if p[0] < 0 or len(p[2]) < len(p[1])]
        if error or behind:
            raise NotReady(f"{len(behind)} partitions of {name} are not in sync yet (error {error})")


def main(arguments):
    try:
        if arguments[0] == "--cluster":
            check_cluster(int(arguments[1]), int(arguments[2]))
        else:
            check_broker(int(arguments[0]), int(arguments[1]))
    except (NotReady, OSError, struct.error) as trouble:
        print(trouble, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
