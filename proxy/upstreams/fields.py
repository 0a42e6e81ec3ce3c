"""The fields of a chat completion that OpenAI's interface names, and a few that other providers share."""

from __future__ import annotations

CHAT_FIELDS = frozenset(
    "messages audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens"
    " metadata modalities n parallel_tool_calls prediction presence_penalty reasoning_effort response_format"
    " safety_identifier seed service_tier stop store stream stream_options temperature thinking tool_choice tools top_k"
    " top_logprobs top_p user verbosity web_search_options prompt_cache_key prompt_cache_retention".split()
)
