"""Real tokenizers of the kinds that models have, each made here, with a form of prompts."""

from collections.abc import Callable
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from infra.contracts.prompting import PromptForm
from tests.marked_tokenizers import marked_tokenizer
from trainer.models.tokenizer import byte_tokenizer, train_tokenizer

_CHAT = (
    "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{{ opening }}{% endif %}"
)
_THINKING = _CHAT.replace(
    "{{ opening }}", "{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}"
)
_OPENING = _CHAT.replace("{{ opening }}", "<think>\n")
CORPUS = ['def add(a, b):\n    """Add two numbers."""\n    return a + b\n', "for i in range(10):\n"]


def _with_template(template: str, marks: tuple[str, ...] = ("<think>", "</think>")) -> Any:
    base: Any = byte_tokenizer()
    base.add_special_tokens({"additional_special_tokens": ["<s>", "<|im_start|>", "<|im_end|>"]})
    base.add_tokens([AddedToken(mark, special=False) for mark in marks])
    base.bos_token = "<s>"
    base.eos_token = "<|im_end|>"
    base.chat_template = template
    return base


def _unigram() -> Any:
    """Make one as sentencepiece does: every text begins with a blank, shown as an underscore."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    printable = [chr(code) for code in range(33, 127)]
    tokenizer.train_from_iterator(
        CORPUS,
        trainers.UnigramTrainer(
            vocab_size=150,
            special_tokens=["<s>", "</s>", "<unk>"],
            unk_token="<unk>",
            initial_alphabet=["▁", "\n", *printable],
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


_INSTRUCT = {"style": "instruct"}
KINDS: dict[str, tuple[Callable[[], Any], PromptForm]] = {
    name: (make, PromptForm.model_validate(form))
    for name, make, form in (
        ("begins texts", lambda: marked_tokenizer("<s> $A"), {"style": "raw"}),
        ("ends texts", lambda: marked_tokenizer("<s> $A </s>"), {"style": "paper"}),
        ("byte-level", lambda: train_tokenizer(CORPUS, 280), {"style": "paper"}),
        ("unigram", _unigram, {"style": "raw"}),
        ("chat", lambda: _with_template(_CHAT), _INSTRUCT),
        ("chat, no system", lambda: _with_template(_CHAT), {**_INSTRUCT, "system": ""}),
        ("prefill", lambda: _with_template(_CHAT), {**_INSTRUCT, "prefill": "```python\n"}),
        ("thinks", lambda: _with_template(_THINKING), {"style": "thinking"}),
        (
            "need not think",
            lambda: _with_template(_THINKING),
            {**_INSTRUCT, "template": {"enable_thinking": False}},
        ),
        ("byte-level marks", lambda: _with_template(_THINKING, ()), {"style": "thinking"}),
        ("thinks at once", lambda: _with_template(_OPENING), {"style": "thinking"}),
    )
}
"""By name: how it is made, and a form of prompts for it."""
