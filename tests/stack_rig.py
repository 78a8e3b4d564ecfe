"""Stacks that are smaller than those of `smallpool stack up`, and a program that stands for Maven."""

import sys
from pathlib import Path

from smallpool_config.stack import state
from smallpool_config.stack.free_ports import free_ports
from smallpool_config.stack.redis import url
from smallpool_config.stack.state import Server, Stack

# Puts these bytes wherever the project asks for a jar.
COURIER = """\
#!{python}
import pathlib, re, sys
if not {reachable}:
    sys.exit("[ERROR] no repository answers")
pom = pathlib.Path(sys.argv[sys.argv.index("--file") + 1]).read_text()
for item in re.findall("<artifactItem>(.*?)</artifactItem>", pom):
    of = dict(re.findall("<(\\\\w+)>([^<]*)<", item))
    folder = pathlib.Path(of["outputDirectory"])
    folder.mkdir(parents=True)
    (folder / f"{{of['artifactId']}}-{{of['version']}}.jar").write_bytes({content!r})
"""


def courier(folder: Path, content: bytes = b"", *, reachable: bool = True) -> str:
    """A folder to stand in PATH, in which `mvn` brings this content for every jar, or fails."""
    program = folder / "bin" / "mvn"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(COURIER.format(python=sys.executable, content=content, reachable=reachable))
    program.chmod(0o755)
    return str(program.parent)


def redis_alone(name: str, folder: Path) -> Stack:
    """A stack of one Redis that never ran, kept as the state of that name."""
    ports = {"client": free_ports(1)[0]}
    home = folder / "redis-0"
    stack = Stack(
        name, str(folder), 1, appendonly=False, servers=(Server("redis", 0, url(ports), ports, str(home), str(home / "server.log")),)
    )
    state.save(stack)
    return stack
