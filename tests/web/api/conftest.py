"""The console's filled database, asked by programs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import httpx
import pytest

from cases.sending import act
from sekisho.cases.accounts import people, tokens
from sekisho.cases.database import writing
from sekisho.cases.roles import ROLES, Action, Role
from web.console.world import NOW, World, fill, world


@dataclasses.dataclass
class Programs:
    """Tokens of every role, each with every scope that its role gives, and requests with them."""

    world: World
    _secrets: dict[str, str] = dataclasses.field(default_factory=dict)

    def token(self, name: str, *scopes: Action) -> str:
        key = f"{name} {' '.join(scopes)}"
        if key not in self._secrets:
            with writing(self.world.console.url) as connection:
                account = people.find(connection, name)
                wanted = scopes or [action for action in Action if account.roles & ROLES[action]]
                self._secrets[key] = tokens.issue(connection, account, key, wanted, 9, act(NOW))
        return self._secrets[key]

    def ask(self, method: str, path: str, secret: str | None, **more: Any) -> httpx.Response:
        headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        return self.world.ask(method, f"/api/v1{path}", headers=headers | more.pop("headers", {}), **more)

    def get(self, path: str, role: Role = Role.APPROVER) -> httpx.Response:
        return self.ask("GET", path, self.token(role))

    def post(self, path: str, given: Any, role: Role = Role.APPROVER, **headers: str) -> httpx.Response:
        return self.ask("POST", path, self.token(role), json=given, headers=headers)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("api") / "template.db"
    fill(f"sqlite:///{file}")
    return file


@pytest.fixture
def programs(filled: Path, tmp_path: Path) -> Programs:
    return Programs(world(filled, tmp_path))
