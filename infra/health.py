"""Asks this machine's process at `RRTF_METRICS_PORT` whether it lives: `python -m infra.health`.

None of its slots may fail to start its sandbox. With a number of seconds, its last round must not
be older.
"""

import sys
import time
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from infra.settings import MetricsSettings, load

_FAILING = "rrtf_slots_failing"
_ROUND = "rrtf_last_round_timestamp_seconds"


def trouble(text: str, max_age_seconds: float | None, now: float) -> str:
    """Say what is wrong with a process, by its metrics; nothing if it is well."""
    found = [s for family in text_string_to_metric_families(text) for s in family.samples]
    failing = sum(sample.value for sample in found if sample.name == _FAILING)
    if failing:
        return f"the sandbox of {failing:.0f} slots fails; `rrtf doctor` says what is missing"
    rounds = [sample.value for sample in found if sample.name == _ROUND]
    if max_age_seconds is None:
        return ""
    if not rounds:
        return "no round has ended yet"
    age = now - max(rounds)
    return f"the last round ended {age:.0f} s ago" if age > max_age_seconds else ""


def main() -> int:
    """Return 0 if the process is well."""
    max_age_seconds = float(sys.argv[1]) if len(sys.argv) > 1 else None
    url = f"http://127.0.0.1:{load(MetricsSettings).port}/metrics"
    try:
        with urllib.request.urlopen(url, timeout=4) as response:
            found = trouble(response.read().decode(), max_age_seconds, time.time())
    except OSError as error:
        found = f"{url}: {error}"
    sys.stdout.write(f"{found or 'ok'}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
