"""Training batches: of which ranked groups they are made, who leases them, what is taken back."""
