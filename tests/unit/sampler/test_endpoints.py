"""The file of model servers, and the draws of a plan."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from infra import errors
from infra.contracts.base import Author
from infra.contracts.candidates import SamplePlan
from sampler.draws import draws_of
from sampler.servers.endpoints import Endpoint, read_endpoints

GOOD = '[large]\nurl = "https://host/v1"\nmodel = "m"\n'
MINE = GOOD + 'policy = "mine"\nweights = '


def read(tmp_path, text):
    path = tmp_path / "servers.toml"
    path.write_text(text)
    return read_endpoints(path)


def test_a_table_is_an_endpoint_under_its_name(tmp_path):
    (found,) = read(tmp_path, GOOD + 'key = "A_KEY"\ninput_price = 2.5\nbudget = 10\n')

    assert found.name == "large"
    assert found.cost(1_000_000, 5) == Decimal("2.5")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x = 1", "'x' stands outside every table"),
        ("[", "cannot read"),
        (GOOD + "budget = 1\n", "a `budget` needs"),
        (GOOD + 'key = "sk-secret"\n', "key: "),
        (GOOD + "budgte = 1\n", "budgte: "),
        (GOOD.replace("https", "ftp"), "http or https"),
        (GOOD.replace("host", "me:pw@host"), "no user, password"),
        (GOOD.replace("v1", "v1?k=v"), "no user, password"),
        (GOOD.replace("[large]", "[Large]"), "name: "),
        (GOOD + 'policy = "mine"\n', "`policy` needs `weights`"),
        (GOOD + 'weights = { by = "name" }\n', "a `policy`"),
        (MINE + '{ by = "magic" }\n', "weights.by"),
        (MINE + '{ by = "restart" }\n', "needs a `command`"),
        (MINE + '{ by = "name", command = ["x"] }\n', "needs a `command`"),
        (MINE + '{ by = "name", name = "fixed" }\n', "must hold"),
        (MINE + '{ by = "name", name = "{path}{home}" }\n', "no place for 'home'"),
        (MINE + '{ by = "restart", command = ["a", "{paht}"] }\n', "place for 'paht'"),
        (MINE + '{ by = "sglang_disk", name = "{version}" }\n', "`name` is for"),
    ],
)
def test_what_is_wrong_is_named_and_no_value_is_repeated(tmp_path, text, complaint):
    with pytest.raises(errors.ConfigurationError) as caught:
        read(tmp_path, text)

    assert complaint in caught.value.detail
    assert "sk-secret" not in caught.value.detail
    assert "pw" not in caught.value.detail.replace("password", "")


def test_a_key_is_read_from_the_environment_and_not_shown():
    endpoint = Endpoint(name="a", url="http://h", model="m", key="A_KEY")

    assert "s3cret" not in repr(endpoint.secret({"A_KEY": "s3cret"}))
    with pytest.raises(errors.ConfigurationError, match="A_KEY"):
        endpoint.secret({"A_KEY": "  "})


def test_draws_take_the_temperatures_in_turn_and_seeds_of_their_own():
    plan = SamplePlan(
        author=Author.STUDENT, backend="b", num_samples=200, temperatures=(0.1, 0.9), seed=3
    )

    draws = draws_of(plan, "slug")

    assert [draw.temperature for draw in draws[:4]] == [0.1, 0.9, 0.1, 0.9]
    assert len({draw.seed for draw in draws}) == 200
    assert draws == draws_of(plan, "slug")
    assert {draw.seed for draw in draws}.isdisjoint({one.seed for one in draws_of(plan, "other")})
    assert all(0 <= draw.seed < 2**31 for draw in draws)


def test_more_draws_of_a_plan_begin_with_the_same_draws():
    few, many = (
        SamplePlan(author=Author.STUDENT, backend="b", num_samples=count) for count in (3, 9)
    )

    assert draws_of(many, "s")[:3] == draws_of(few, "s")


def test_an_unknown_field_of_a_plan_is_refused():
    with pytest.raises(ValidationError):
        SamplePlan(author=Author.STUDENT, backend="b", num_samples=1, temprature=1)
