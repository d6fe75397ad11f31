"""Names of variables that sound secret."""

from __future__ import annotations

import pytest

from jlab_mcp.core.secrets import sounds_secret


@pytest.mark.parametrize(
    "name",
    ["HF_TOKEN", "GITHUB_PAT", "api_key", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "DB_PASSWD",
     "SECRET", "MY_SECRET_2", "GOOGLE_CREDENTIALS", "WANDB_API_KEY", "HF_TOKEN_READ", "NPM_AUTH"],
)  # fmt: skip
def test_secret_names_are_known(name: str) -> None:
    assert sounds_secret(name)


@pytest.mark.parametrize(
    "name",
    ["OMP_NUM_THREADS", "TOKENIZERS_PARALLELISM", "HF_HOME", "PWD", "OLDPWD", "PATH", "HF_TOKEN_PATH", "KEYBOARD",
     "SSH_AUTH_DIR", "MONKEY", "PASSENGERS", "COMPASS_X"],
)  # fmt: skip
def test_harmless_names_are_left_alone(name: str) -> None:
    assert not sounds_secret(name)
