"""The test server as vLLM and as Anthropic speak: token ids with a completion, and messages."""

from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from tests.model_server.app import ModelServer, Seen


@dataclass
class TokenServer(ModelServer):
    """Tells the ids of a tokenizer where it is asked to, and has a door for Anthropic's form."""

    tokenizer: Any = None

    def app(self) -> FastAPI:
        made = super().app()
        made.post("/v1/messages")(self._answer)
        return made

    async def _reply(self, seen: Seen, body: dict[str, Any]) -> dict[str, Any]:
        turns = body.get("messages", [])
        asked = [turn for turn in turns if turn["role"] == "user"]
        if seen.path.endswith("/messages"):
            chat = Seen("/v1/chat/completions", body, {}, None)
            return _as_messages(await super()._reply(chat, body | {"messages": asked}))
        reply = await super()._reply(seen, body | ({"messages": asked} if turns else {}))
        if body.get("return_token_ids"):
            self._tell_tokens(body, reply)
        return reply

    def _tell_tokens(self, body: dict[str, Any], reply: dict[str, Any]) -> None:
        chat = "messages" in body
        prompt = self._prompt_ids(body)
        if chat:
            reply["prompt_token_ids"] = prompt
        for choice in reply["choices"]:
            text = choice["message"]["content"] if chat else choice["text"]
            ids = self.tokenizer.encode(text, add_special_tokens=False)
            ids += [self.tokenizer.eos_token_id]
            choice["token_ids"] = ids
            logps = [-number / 10 for number in range(len(ids))]
            if chat:
                choice["logprobs"] = {"content": [{"logprob": one} for one in logps]}
            else:
                choice |= {"prompt_token_ids": prompt, "logprobs": {"token_logprobs": logps}}

    def _prompt_ids(self, body: dict[str, Any]) -> list[int]:
        if "prompt" in body:
            return list(self.tokenizer.encode(body["prompt"], add_special_tokens=True))
        text = self.tokenizer.apply_chat_template(
            body["messages"],
            tokenize=False,
            add_generation_prompt=body.get("add_generation_prompt", True),
            continue_final_message=body.get("continue_final_message", False),
            **body.get("chat_template_kwargs", {}),
        )
        return list(self.tokenizer.encode(text, add_special_tokens=False))


def _as_messages(reply: dict[str, Any]) -> dict[str, Any]:
    (choice,) = reply["choices"]
    return {
        "id": "msg_1",
        "type": "message",
        "model": reply["model"],
        "content": [
            {"type": "thinking", "thinking": "Let me see."},
            {"type": "text", "text": choice["message"]["content"]},
        ],
        "stop_reason": {"stop": "end_turn", "length": "max_tokens"}[choice["finish_reason"]],
        "usage": {
            "input_tokens": reply["usage"]["prompt_tokens"],
            "output_tokens": reply["usage"]["completion_tokens"],
        },
    }
