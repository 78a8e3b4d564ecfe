"""What a stack is to be: its servers and ports, kept from one start to the next."""

import re
import socket
from pathlib import Path

import pytest
from msgspec.structs import replace

from smallpool_config.settings import Settings
from smallpool_config.stack import elasticsearch, kafka, state
from smallpool_config.stack.free_ports import HOST, RANGE, free_ports, is_free
from smallpool_config.stack.plan import as_wished, new_stack, with_free_ports
from smallpool_config.stack.processes import spawn, stop
from smallpool_config.stack.state import Stack
from smallpool_core.errors import Conflict, SmallpoolError


def stack_of(nodes: int, folder: Path | None = None) -> Stack:
    return new_stack("planned", data=folder, nodes=nodes, appendonly=None)


def ports_of(stack: Stack) -> list[int]:
    return [port for server in stack.servers for port in server.ports.values()]


def listening(port: int) -> socket.socket:
    stranger = socket.socket()
    stranger.bind((HOST, port))
    stranger.listen()
    return stranger


def test_a_port_on_which_something_listens_is_not_free() -> None:
    (port,) = free_ports(1)
    with listening(port):
        assert not is_free(port)
    assert is_free(port)


def test_ports_lie_below_those_of_outgoing_connections() -> None:
    first_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert RANGE.stop <= first_outgoing
    assert set(free_ports(20)) <= set(RANGE)


def test_every_server_of_a_stack_has_ports_of_its_own() -> None:
    ports = ports_of(stack_of(3))
    assert len(ports) == len(set(ports)) == 3 * 2 + 3 * 2 + 1


def test_the_usual_stack_is_where_the_settings_look_unless_somebody_else_is_there() -> None:
    settings = Settings()
    usual = {
        "elasticsearch": settings.elasticsearch.url,
        "kafka": settings.kafka.bootstrap,
        "redis": settings.redis.url,
    }
    made = new_stack(state.DEFAULT_NAME, data=None, nodes=None, appendonly=None)
    for server in made.servers:
        port = int(re.findall(r":(\d+)", usual[server.kind])[0])
        assert server.url == usual[server.kind] or (port not in server.ports.values() and not is_free(port)), server.kind
    assert not {9200, 9092, 6379} & set(ports_of(stack_of(1))), "of the others nothing is where a usual one is looked for"


def test_a_stack_of_two_nodes_is_refused() -> None:
    with pytest.raises(SmallpoolError, match=r"a stack has 1 or 3 nodes of Elasticsearch and Kafka, not 2"):
        stack_of(2)


@pytest.mark.parametrize("name", ["", "../x", "A", "-x", "a b", "x" * 33])
def test_a_name_that_is_no_folder_names_no_stack(name: str) -> None:
    with pytest.raises(SmallpoolError, match="names no stack"):
        new_stack(name, data=None, nodes=None, appendonly=None)


def test_a_stack_stays_as_it_was_made_unless_it_is_wiped(tmp_path: Path) -> None:
    made = stack_of(1, tmp_path)
    assert as_wished(made, data=None, nodes=None, appendonly=None) == made
    assert as_wished(made, data=tmp_path, nodes=1, appendonly=False) == made
    with pytest.raises(Conflict, match=r"with nodes 1, and was asked for with 3: .* `smallpool stack down --wipe --name planned`"):
        as_wished(made, data=None, nodes=3, appendonly=None)


def test_servers_keep_their_ports_while_nobody_else_takes_them() -> None:
    made = stack_of(3)
    assert with_free_ports(made) == made


def test_a_kind_of_which_nothing_runs_moves_away_from_a_stranger() -> None:
    made = stack_of(3)
    with listening(made.server("kafka", 1).ports["controller"]):
        moved = with_free_ports(made)
    assert moved.of("elasticsearch") == made.of("elasticsearch")
    assert not set(ports_of(replace(made, servers=tuple(made.of("kafka"))))) & set(ports_of(moved))
    assert moved.server("kafka", 1).url == f"{HOST}:{moved.server('kafka', 1).ports['client']}"


def test_a_node_whose_cluster_runs_cannot_move(tmp_path: Path) -> None:
    made = stack_of(3)
    process = spawn(["sleep", "60"], tmp_path / "log")
    try:
        partly = made.having(replace(made.server("kafka", 0), process=process))
        with listening(made.server("kafka", 1).ports["client"]), pytest.raises(Conflict, match=r"starting kafka 1 .*ss -ltnp"):
            with_free_ports(partly)
    finally:
        stop([process], grace_s=0)


def test_a_state_is_read_as_it_was_written() -> None:
    assert state.load("planned") is None
    made = stack_of(3)
    state.save(made)
    assert state.load("planned") == made


def test_a_file_that_is_no_state_says_what_to_remove() -> None:
    state.save(stack_of(1))
    file = state.stack_folder("planned") / state.STATE_FILE
    file.write_text("{}")
    with pytest.raises(SmallpoolError, match=f"reading {re.escape(str(file))}: .*then remove"):
        state.load("planned")


def test_wiping_leaves_what_is_not_the_servers(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    made = stack_of(1, folder)
    state.save(made)
    for server in made.servers:
        Path(server.directory).mkdir(parents=True)
    (folder / "letter").write_text("keep")
    state.forget(made)
    assert [path.name for path in folder.iterdir()] == ["letter"]
    assert not state.stack_folder("planned").exists()


def test_three_brokers_keep_three_copies_of_which_two_must_hold() -> None:
    settings = kafka.settings(made := stack_of(3), made.server("kafka", 2))
    assert (settings["default.replication.factor"], settings["min.insync.replicas"]) == (3, 2)
    assert (settings["transaction.state.log.replication.factor"], settings["transaction.state.log.min.isr"]) == (3, 2)
    assert str(settings["controller.quorum.voters"]).count("@") == 3


def test_one_broker_keeps_one_copy_and_makes_no_topic_by_itself() -> None:
    settings = kafka.settings(made := stack_of(1), made.server("kafka", 0))
    assert {settings[name] for name in settings if name.endswith((".replication.factor", ".min.isr", "insync.replicas"))} == {1}
    assert settings["auto.create.topics.enable"] == "false"


def test_every_node_of_elasticsearch_knows_of_all() -> None:
    settings = elasticsearch.settings(made := stack_of(3), made.server("elasticsearch", 1))
    assert settings["cluster.initial_master_nodes"] == ["node-0", "node-1", "node-2"]
    assert settings["discovery.seed_hosts"] == [f"{HOST}:{node.ports['transport']}" for node in made.of("elasticsearch")]
    assert settings["action.auto_create_index"] is False


def test_servers_listen_on_loopback_alone() -> None:
    made = stack_of(1)
    assert elasticsearch.settings(made, made.server("elasticsearch", 0))["network.host"] == HOST
    listeners = str(kafka.settings(made, made.server("kafka", 0))["listeners"])
    assert listeners.count(f"://{HOST}:") == listeners.count("://") == 2
