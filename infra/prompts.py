"""The text a model is shown for a problem: the same when it is sampled and when it is trained."""


def wrap_prompt(prompt: str) -> str:
    """Put a prompt into triple quotes, as the paper does (section 3.1)."""
    return f'"""\n{prompt}\n"""\n'
