"""Every completion is paid for once, and an endpoint's account is the sum of its calls."""

from services.invariants.invariant import Invariant

PAYMENTS = (
    Invariant(
        "completion_paid_twice",
        "two requests to a model server brought the same sample of one request for samples",
        """SELECT min(id::text) AS id FROM sampling_calls WHERE state = 'completed'
           GROUP BY scope, position HAVING count(*) > 1""",
    ),
    Invariant(
        "account_disagrees",
        "what an endpoint is said to have cost is not the sum of its calls",
        # A call is stored, and added to the account, to twelve places: each may round four times.
        """SELECT coalesce(a.endpoint, c.endpoint) AS id FROM endpoint_accounts a
           FULL JOIN (SELECT endpoint, count(*) AS number, sum(coalesce(cost, reserved)) AS paid
                      FROM sampling_calls GROUP BY endpoint) c ON c.endpoint = a.endpoint
           WHERE abs(coalesce(a.committed, 0) - coalesce(c.paid, 0))
             > 2e-12 * coalesce(c.number, 0)""",
    ),
)
