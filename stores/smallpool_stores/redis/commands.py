"""What is asked of Redis: plain commands and calls of scripts, each of which says by which key it finds its server.

In: keys and arguments. Out: the words that are sent.
"""

from collections.abc import Sequence

from msgspec import Struct

from smallpool_stores.redis.scripts import Script

Part = str | bytes | int | float


class Call(Struct, frozen=True):
    """One call of a script, which is one atomic step. Its keys lie in one slot."""

    script: Script
    keys: Sequence[str]
    arguments: Sequence[Part] = ()

    def words(self, *, with_text: bool) -> Sequence[Part]:
        """The call by the script's digest, or with its text, which the server then keeps."""
        name, script = ("EVAL", self.script.text) if with_text else ("EVALSHA", self.script.sha)
        return (name, script, len(self.keys), *self.keys, *self.arguments)


Command = Sequence[Part] | Call
"""A call, or one command with its arguments, `("GET", key)`; all its keys lie in the slot of the first, which is its second word."""


def key_of(command: Command) -> Part:
    """The key that leads to the server of this command; where it has none, any text, because any server will do."""
    words = command.keys if isinstance(command, Call) else command[1:]
    return words[0] if words else ""


def words_of(command: Command, *, with_text: bool = False) -> Sequence[Part]:
    """What is sent."""
    return command.words(with_text=with_text) if isinstance(command, Call) else command
