"""`smallpool keys`: API keys made, listed and revoked on the machine itself, where no key is needed.

In: names and roles. Out: a secret, once; keys without it from then on.
"""

import asyncio
from typing import Annotated

import typer

from smallpool_config.cli.options import AsJson, Data
from smallpool_config.cli.screen import plain, print_json, screen, table, when
from smallpool_core.access import ROLES, ApiKey

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys.")


@app.command("create")
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    role: Annotated[list[str], typer.Option("--role", help=f"What it may do, one of {', '.join(ROLES)}; may be given several times.")],
    pool: Annotated[
        list[str] | None, typer.Option("--pool", metavar="POOL", help="Limits it to this pool; may be given several times.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. The secret is shown here and nowhere else."""
    import msgspec

    from smallpool_config.cli.session import opened
    from smallpool_core.access import Role
    from smallpool_service.keys import create_key

    unknown = [one for one in role if one not in ROLES]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is no role; there are {', '.join(ROLES)}", param_hint="--role")
    roles = msgspec.convert(role, list[Role])
    with opened(ctx, data, create=True) as system:
        made = asyncio.run(create_key(system.keys, name, roles, pool or [], system.clock.now_ms()))
    if as_json:
        print_json(_shown(made.key) | {"secret": made.secret})
        return
    console = screen()
    console.print(f"{made.key.key_id} may {', '.join(made.key.roles)}; its secret is shown only now:", markup=False)
    console.print(f"export SMALLPOOL_KEY={made.secret}", markup=False, soft_wrap=True)


@app.command("list")
def list_keys(ctx: typer.Context, data: Data = None, as_json: AsJson = False) -> None:
    """List all keys, revoked ones included, oldest first."""
    from smallpool_config.cli.session import opened

    with opened(ctx, data) as system:
        keys = asyncio.run(system.keys.all())
    if as_json:
        print_json([_shown(key) for key in keys])
        return
    rows = table("key", "name", "roles", "pools", "made", "revoked")
    for key in keys:
        pools = ", ".join(key.pools) or "all"
        rows.add_row(key.key_id, plain(key.name), ", ".join(key.roles), plain(pools), when(key.created_at), when(key.revoked_at))
    screen().print(rows)


@app.command("revoke")
def revoke(ctx: typer.Context, key_id: Annotated[str, typer.Argument(help="The key's id, not its secret.")], data: Data = None) -> None:
    """Revoke a key; a running server refuses it within a second."""
    from smallpool_config.cli.session import opened

    with opened(ctx, data) as system:
        asyncio.run(system.keys.revoke(key_id, system.clock.now_ms()))
    screen().print(f"{plain(key_id)} is revoked", markup=False)


def _shown(key: ApiKey) -> dict[str, object]:
    """The key without its digest."""
    names = ("key_id", "name", "roles", "pools", "created_at", "revoked_at")
    return {name: getattr(key, name) for name in names}
