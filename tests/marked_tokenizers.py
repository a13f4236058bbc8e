"""Real tokenizers that put special tokens around a text, as those of many models do."""

from typing import Any

from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from trainer.models.tokenizer import byte_tokenizer

TEMPLATES = ("$A", "<s> $A", "<s> $A </s>", "$A </s>", "<task> <s> $A")
"""What stands around a text `$A`: nothing, a BOS, a BOS and an EOS, an EOS, two tokens."""
VOCABULARY = 260


def marked_tokenizer(template: str) -> Any:
    """Make a byte-level tokenizer with a post-processor of that template."""
    base: Any = byte_tokenizer()
    backend = base.backend_tokenizer
    words = ["<s>", "</s>", "<task>"]
    backend.add_special_tokens(words)
    backend.post_processor = TemplateProcessing(
        single=template, special_tokens=[(word, backend.token_to_id(word)) for word in words]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="</s>",
        clean_up_tokenization_spaces=False,
    )
