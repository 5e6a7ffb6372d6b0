"""What came of a request for a picture, by Google's own words for it.

`finishReason` and `blockReason` are enumerations that grow: a word that nobody knows yet is sorted by what it contains.
"""

from collections.abc import Mapping
from typing import TypeAlias

from core.statuses import Failed, FailureReason, RefusalReason, Refused

MOST_WORDS = 500
Ending: TypeAlias = Refused | Failed

_BY_WORD: Mapping[str, RefusalReason | FailureReason] = {
    # The prompt.
    "SAFETY": RefusalReason.MODERATION,
    "BLOCKLIST": RefusalReason.MODERATION,
    "PROHIBITED_CONTENT": RefusalReason.MODERATION,
    "JAILBREAK": RefusalReason.MODERATION,
    "MODEL_ARMOR": RefusalReason.HOUSE_RULE,
    "OTHER": RefusalReason.REJECTED,
    # The picture.
    "IMAGE_SAFETY": RefusalReason.MODERATION,
    "IMAGE_PROHIBITED_CONTENT": RefusalReason.MODERATION,
    "ESCALATION": RefusalReason.MODERATION,
    "PUP_LIMITED_DISABLED": RefusalReason.MODERATION,
    "IMAGE_RECITATION": RefusalReason.RECITATION,
    "RECITATION": RefusalReason.RECITATION,
    "SPII": RefusalReason.PERSONAL_DATA,
    "LANGUAGE": RefusalReason.LANGUAGE,
    "IMAGE_OTHER": RefusalReason.REJECTED,
    "MAX_TOKENS": FailureReason.NO_IMAGE,
    "MISSING_THOUGHT_SIGNATURE": RefusalReason.HISTORY,
    "NO_IMAGE": FailureReason.NO_IMAGE,
    "STOP": FailureReason.NO_IMAGE,
    "FINISH_REASON_UNSPECIFIED": FailureReason.NO_IMAGE,
    "BLOCK_REASON_UNSPECIFIED": RefusalReason.REJECTED,
    "": FailureReason.NO_IMAGE,
    # A model that would rather have called a tool, which it was not given.
    "MALFORMED_FUNCTION_CALL": FailureReason.NO_IMAGE,
    "UNEXPECTED_TOOL_CALL": FailureReason.NO_IMAGE,
    "TOO_MANY_TOOL_CALLS": FailureReason.NO_IMAGE,
    "MALFORMED_RESPONSE": FailureReason.NO_IMAGE,
}
_BY_PART: Mapping[str, RefusalReason | FailureReason] = {
    "ARMOR": RefusalReason.HOUSE_RULE,
    "RECITATION": RefusalReason.RECITATION,
    "COPYRIGHT": RefusalReason.RECITATION,
    "SPII": RefusalReason.PERSONAL_DATA,
    "PERSONAL": RefusalReason.PERSONAL_DATA,
    "LANGUAGE": RefusalReason.LANGUAGE,
    "SIGNATURE": RefusalReason.HISTORY,
    "TOKENS": FailureReason.NO_IMAGE,
}
_BLOCKING = ("SAFETY", "PROHIBITED", "BLOCK", "JAILBREAK", "CONTENT", "VIOLAT", "HARM", "POLICY")


def ending_of_prompt(block_reason: str) -> Ending:
    """Why nothing was drawn for a prompt that Google blocked."""
    return _ending(block_reason, RefusalReason.REJECTED)


def ending_of_answer(finish_reason: str, words: str) -> Ending:
    """Why an answer holds no picture; what the model said in its place is passed on where nothing was blocked."""
    ending = _ending(finish_reason, RefusalReason.REJECTED)
    if words and (isinstance(ending, Failed) or ending.reason is RefusalReason.REJECTED):
        return Refused(RefusalReason.WORDS_ONLY, words[:MOST_WORDS])
    return ending


def _ending(word: str, otherwise: RefusalReason) -> Ending:
    word = word.strip().upper()
    reason = _BY_WORD.get(word)
    if reason is None:
        reason = next((reason for part, reason in _BY_PART.items() if part in word), None)
    if reason is None:
        reason = RefusalReason.MODERATION if any(part in word for part in _BLOCKING) else otherwise
    return Failed(reason) if isinstance(reason, FailureReason) else Refused(reason)
