"""What must hold in the database, as queries that find where it does not.

Each query selects the text `id` of every row at fault, over whole tables at once, so that millions
of rows are read a few times and never one by one. A state that is neither `labelled` nor
`quarantined` counts as waiting, whatever it is called.
"""

from services.invariants import candidates, groups, payments, references, work

INVARIANTS = (
    *(*candidates.LABELS, *candidates.DUPLICATES, *candidates.SHARED),
    *(*groups.GROUPS, *groups.BATCHES),
    *(*work.ATTEMPTS, *work.CALLERS, *payments.PAYMENTS, *references.orphans()),
)
"""What must hold at every moment."""
