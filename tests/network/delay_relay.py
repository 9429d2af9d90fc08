"""Forwards packets between two network interfaces with a fixed delay: delay_relay.py IF IF SECONDS

Used by namespaces.py between two hosts. Packets are forwarded as the kernel delivers them, with their segmentation and
checksum offload (PACKET_VNET_HDR), so that a gigabit per second costs little.
"""

import collections
import contextlib
import selectors
import socket
import sys
import time

SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING, SO_RCVBUFFORCE = 263, 15, 23, 33  # linux headers
EVERY_PROTOCOL = 3  # ETH_P_ALL


def open_interface(name):
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_PROTOCOL))
    packets.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    packets.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    # The root of a user namespace may not have that; TCP then sends again what the smaller buffer loses.
    with contextlib.suppress(PermissionError):
        packets.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
    packets.bind((name, EVERY_PROTOCOL))
    packets.setblocking(False)
    return packets


def main():
    first, second = open_interface(sys.argv[1]), open_interface(sys.argv[2])
    delay = float(sys.argv[3])
    selector = selectors.DefaultSelector()
    for source, target in ((first, second), (second, first)):
        selector.register(source, selectors.EVENT_READ, target)
    waiting = collections.deque()  # (due time, target, packet), in order of arrival
    print("ready", flush=True)
    while True:
        pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for key, _ in selector.select(pause):
            try:
                while True:
                    packet = key.fileobj.recv(1 << 17)
                    waiting.append((time.monotonic() + delay, key.data, packet))
            except OSError:  # no further packets, or the interface is down
                pass
        while waiting and waiting[0][0] <= time.monotonic():
            _, target, packet = waiting.popleft()
            try:
                target.send(packet)
            except OSError:  # the link is cut: the packet is lost
                pass


if __name__ == "__main__":
    main()
