"""What is learnt of a response: the ids that the policy sampled, or a program as its answer."""

from collections.abc import Sequence

from infra import errors
from infra.contracts.base import Author
from infra.contracts.prompting import PromptForm, PromptStyle, Reasoning, Sampled
from infra.contracts.ranking import RankedGroup, Response
from infra.prompting.encoding import continue_ids, end_id, prompt_ids, prompt_text, words_of
from infra.prompting.wording import THOUGHT_MARKS, answer_of, learnt_text, no_thought
from trainer.models.tokenizer import TextTokenizer


class ResponseEncoder:
    """Encodes the responses of one group for a policy that is shown problems in one form."""

    def __init__(
        self, group: RankedGroup, tokenizer: TextTokenizer, form: PromptForm, max_response: int
    ) -> None:
        self._group = group
        self._tokenizer = tokenizer
        self._form = form
        self._max_response = max_response
        self._shown = prompt_ids(form, tokenizer, group)
        """What the policy samples from."""
        end = end_id(form, tokenizer)
        self._end = [] if end is None else [end]
        self._cuts = form.reasoning is Reasoning.CUT
        self._no_thought = ""
        if form.style is PromptStyle.THINKING:
            self._no_thought = no_thought(prompt_text(form, tokenizer, group))

    def prompt(self, most: int) -> list[int]:
        """Return the ids that responses are learnt behind, at most `most`."""
        thought = self._continued(self._no_thought) if self._cuts else []
        shown = self._shown
        if len(shown) + len(thought) > most:
            shown = prompt_ids(self._form, self._tokenizer, self._group, most - len(thought))
        return shown + thought

    def encode(self, response: Response) -> tuple[list[int], bool]:
        """Return token ids, and whether they are the whole response with its end.

        Raises:
            errors.PromptMismatch: a student's response was sampled from another prompt.
        """
        sampled = response.sampled if response.author is Author.STUDENT else None
        if sampled is None:
            answer = answer_of(self._form, self._group, response.program)
            return self._text(self._behind_no_thought(answer), response.finished)
        self._refuse_another(sampled, response)
        if not sampled.token_ids:
            written = response.program if response.written is None else response.written
            return self._text(learnt_text(self._form, written), response.finished)
        ids = list(sampled.token_ids)
        if self._cuts:
            ids = self._ids_of_answer(ids)
        whole = response.finished and 0 < len(ids) <= self._max_response
        return ids[: self._max_response] or self._nothing(), whole

    def _refuse_another(self, sampled: Sampled, response: Response) -> None:
        if sampled.form != self._form:
            raise errors.PromptMismatch(
                f"candidate {response.candidate_id} of {self._group.problem_slug} was sampled from"
                f" a prompt of the form {sampled.form}, and {self._form} is learnt; set"
                " RRTF_TRAINER_PROMPT_FORM, or sample from the form that is learnt"
            )
        if sampled.prompt_token_ids and list(sampled.prompt_token_ids) != self._shown:
            raise errors.PromptMismatch(
                f"candidate {response.candidate_id} of {self._group.problem_slug} was sampled from"
                f" {len(sampled.prompt_token_ids)} token ids that are not the {len(self._shown)}"
                f" of the form {self._form} by the trainer's tokenizer; give both the same"
                " tokenizer and chat template"
            )

    def _continued(self, text: str) -> list[int]:
        return continue_ids(self._tokenizer, self._shown, text)

    def _text(self, text: str, finished: bool) -> tuple[list[int], bool]:
        ids = self._continued(text)
        if finished and 0 < len(ids) + len(self._end) <= self._max_response:
            return ids + self._end, True
        return ids[: self._max_response] or self._nothing(), False

    def _nothing(self) -> list[int]:
        # A row needs a token; one that stands for nothing is never imitated.
        return self._end or [0]

    def _behind_no_thought(self, answer: str) -> str:
        """Put an answer behind reasoning that is empty, as a thinking model would write it."""
        if self._form.style is not PromptStyle.THINKING:
            return answer
        return f"\n\n{answer}" if self._cuts else f"{self._no_thought}\n\n{answer}"

    def _ids_of_answer(self, ids: Sequence[int]) -> list[int]:
        """Return the ids behind the reasoning; none where it did not end."""
        mark = self._tokenizer.encode(THOUGHT_MARKS[1], add_special_tokens=False)
        if len(mark) == 1:
            return list(ids[ids.index(mark[0]) + 1 :]) if mark[0] in ids else []
        text = words_of(self._tokenizer, self._shown, ids)
        answer = learnt_text(self._form, text)
        ended = bool(answer) and ids[-1] in self._tokenizer.all_special_ids
        return self._continued(answer) + (list(ids[-1:]) if ended else []) if answer else []
