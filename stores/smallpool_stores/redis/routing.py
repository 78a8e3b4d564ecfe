"""Where commands go: each to the server that holds its key, and on to another if that one says so.

In: commands, and the answers of servers. Out: what is to be sent next, and to whom, until every command has its reply. Nothing is
sent from here, so that threads and event loops share it. What a server answers with a pointer it has not carried out, so that
even a write follows it.
"""

from collections.abc import Generator, Sequence
from typing import Any

from redis.exceptions import AskError, MovedError, NoScriptError

from smallpool_stores.redis.commands import Command, Part, key_of, words_of
from smallpool_stores.redis.slots import Slots

Sending = tuple[str, list[Sequence[Part]]]
"""A server, and what it is sent in one round trip."""

Steps = Generator[Sending, list[Any], list[Any]]
"""Takes the replies to each sending, in its order, errors of single commands among them; returns one for each command."""

MOST_HOPS = 5
"""Pointers of one command that are followed; a cluster that is whole needs two."""


def routed(commands: Sequence[Command], slots: Slots, at: str | None = None) -> Steps:
    """Commands of one server keep their order and share a round trip; `at` sends all of them to one server."""
    servers = [at or slots.server_of(key_of(command)) for command in commands]
    replies: list[Any] = [None] * len(commands)
    for server in dict.fromkeys(servers):
        places = [place for place, other in enumerate(servers) if other == server]
        answers = yield server, [words_of(commands[place]) for place in places]
        for place, reply in zip(places, answers, strict=True):
            replies[place] = reply
    for place, command in enumerate(commands):
        replies[place] = yield from _followed(command, servers[place], replies[place], slots)
    return replies


def _followed(command: Command, server: str, reply: Any, slots: Slots) -> Generator[Sending, list[Any], Any]:
    """The reply, or that of the server to which it points; a server that does not know a script is given its text."""
    admitted: list[Sequence[Part]] = []
    with_text = False
    for _ in range(MOST_HOPS):
        if isinstance(reply, NoScriptError):
            with_text = True
        elif isinstance(reply, AskError) and slots.is_cluster:
            if isinstance(reply, MovedError):
                slots.renew()
            server, admitted = slots.named(reply.host, reply.port, server), [("ASKING",)]
        else:
            break
        *_, reply = yield server, [*admitted, words_of(command, with_text=with_text)]
    return reply
