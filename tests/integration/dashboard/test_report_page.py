"""The page of an evaluation in a browser: on a phone, without a network."""

import json

import pytest

from services.evaluation import plan, running, writing


@pytest.mark.parametrize("width", [390, 1200])
def test_a_report_fits_the_screen_and_asks_for_nothing(browser, tmp_path, width):
    slugs = [f"HumanEval/{'x' * 80}{number}" for number in range(3)]
    models = {}
    for model in ("a-model-with-a-long-name-" * 3, "other"):
        rows = [{"task_id": slug, "passed": n < 2} for slug in slugs for n in range(4)]
        path = tmp_path / f"{model}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        models[model] = {"verdicts": path}
    made = plan.made({"models": models, "k": [1, 4]})
    running.Run(made, tmp_path / "out", None, 0, lambda *_: None).run()
    writing.write(tmp_path / "out", made.k)
    asked, said = [], []
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))

    page.goto((tmp_path / "out/report.html").as_uri())

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert len(asked) == 1
    assert said == []
    assert page.locator("svg polyline").count() == 2
    assert page.locator("svg polyline").first.bounding_box()["width"] > 200
    bar = page.locator(".bar i.all_pass").first.bounding_box()
    whole = page.locator(".bar b").first.bounding_box()
    assert bar["width"] / whole["width"] == pytest.approx(0.5, abs=0.02)
    page.close()
