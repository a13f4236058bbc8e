"""Every list comes in pages that hold each item once."""

import pytest

from services.client import Client


def walk(http, path, limit=2):
    """Follow `Link: rel="next"` to the end; return the items of every page."""
    pages, url = [], f"{path}?limit={limit}"
    while url:
        response = http.get(url)
        assert response.status_code == 200, response.text
        body = response.json()
        pages.append(body["items"])
        following = response.links.get("next", {}).get("url")
        assert (following is None) == (body["next_cursor"] is None)
        assert following is None or f"cursor={body['next_cursor']}" in following
        url = following
    return pages


@pytest.fixture
def trained(form_batch):
    """Five groups of one problem, each in a batch of its own."""
    return [form_batch(number) for number in range(5)]


@pytest.fixture
def completed(http, trained):
    for version in range(1, len(trained) + 1):
        (leased,) = http.post("/v1/training-batches/lease", json={"worker": "w"}).json()["batches"]
        response = http.post(
            "/v1/training-batches/complete",
            json={
                "leases": [{"batch_id": leased["batch_id"], "epoch": leased["epoch"]}],
                "checkpoint": {"version": version, "path": "/c", "sha256": "a" * 64},
            },
        )
        assert response.status_code == 200, response.text
    return trained


def test_groups_and_batches_come_oldest_first(http, trained):
    groups = walk(http, "/v1/groups")
    batches = walk(http, "/v1/training-batches")

    assert [len(page) for page in groups] == [2, 2, 1]
    assert [item["id"] for page in groups for item in page] == [str(i) for i in trained]
    assert [i for page in batches for item in page for i in item["group_ids"]] == [
        str(i) for i in trained
    ]


def test_checkpoints_come_newest_first(http, completed):
    pages = walk(http, "/v1/policies/default/checkpoints")

    assert [[item["version"] for item in page] for page in pages] == [[5, 4], [3, 2], [1]]


def test_candidates_of_a_group_come_in_their_order(http, make_group):
    group_id = make_group(*(("student", f"x = {n}") for n in range(4)))

    pages = walk(http, f"/v1/groups/{group_id}/candidates", limit=3)

    assert [[item["position"] for item in page] for page in pages] == [[0, 1, 2], [3]]


def test_a_page_that_is_exactly_full_is_the_last(http, make_group):
    group_id = make_group(("student", "x"), ("student", "y"))

    assert [len(page) for page in walk(http, f"/v1/groups/{group_id}/candidates")] == [2]


def test_filters_hold_on_every_page(http, make_group):
    for number in range(5):
        make_group(("student", f"x = {number}"))

    response = http.get("/v1/groups", params={"limit": 2, "state": "open"})
    following = http.get(response.links["next"]["url"])

    assert "state=open" in response.links["next"]["url"]
    assert len(following.json()["items"]) == 2
    assert http.get("/v1/groups", params={"state": "ranked"}).json()["items"] == []


def test_the_client_reads_all_pages(api, make_group):
    group_id = make_group(*(("student", f"x = {n}") for n in range(620)))

    with Client(api, "secret-key") as client:
        positions = [item.position for item in client.candidates(group_id)]

    assert positions == list(range(620))


@pytest.mark.parametrize("path", ["/v1/problems", "/v1/groups", "/v1/policies"])
@pytest.mark.parametrize(
    "query", ["cursor=!!", "cursor=MTI", "cursor=%00", "cursor=", "limit=0", "limit=501", "limit=x"]
)
def test_a_page_that_cannot_be_is_refused(http, is_problem, path, query):
    is_problem(http.get(f"{path}?{query}"), 422, "invalid_input")


@pytest.mark.parametrize("path", ["/v1/problems", "/v1/groups", "/v1/candidates"])
@pytest.mark.parametrize("query", ["until=0.5", "since=1700000000", "since=2026-11-30T12:00:00"])
def test_a_time_is_written_out_with_its_zone(http, is_problem, path, query):
    is_problem(http.get(f"{path}?{query}"), 422, "invalid_input")
    assert http.get(path, params={"since": "2026-11-30T12:00:00Z"}).status_code == 200


def test_a_cursor_of_another_list_is_refused(http, is_problem, make_group):
    group_id = make_group(("student", "x"), ("student", "y"))
    make_group(("student", "z"))
    cursor = http.get("/v1/groups?limit=1").json()["next_cursor"]

    response = http.get(f"/v1/groups/{group_id}/candidates?cursor={cursor}")

    is_problem(response, 422, "invalid_input")
