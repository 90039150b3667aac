"""Sending the questions: one try each, read alone, never to another host, and no more after the first refusal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pendulum
import requests

from facts.questions import MOST_REQUESTS, Question, questions
from facts.reading import Answer
from source_magnific_analytics.client import Client
from source_magnific_analytics.config import Config
from source_magnific_analytics.policy import POLICY, Meaning, of_exception
from source_magnific_analytics.waiting import http_date

# After these the others would be answered the same way, or cost what the day's syncs need.
_STOPS = {
    401: "Magnific refuses the API key (401): make a new one as https://docs.magnific.com/quickstart describes",
    403: "Magnific does not let this key read analytics (403): ask an owner or admin of the team for one that may",
    429: "Magnific refuses more requests for now (429): try again in a minute, or tomorrow",
}


@dataclass
class Asked:
    """The answers, by the name of their question; and why there are no more, where something ended them."""

    answers: dict[str, Answer] = field(default_factory=dict)
    stopped: str = ""


def ask(config: Config, tell: Callable[[str], None]) -> Asked:
    """Ask one question after another; `tell` is told of each, in a line."""
    asked = Asked()
    client = Client(config, POLICY)
    course = questions(config)
    question = next(course)
    while len(asked.answers) < MOST_REQUESTS:
        try:
            answer = _answer(client, config, question)
        except KeyboardInterrupt:
            asked.stopped = "It was interrupted"
            break
        asked.answers[question.name] = answer
        outcome = answer.failure or f"HTTP {answer.status}"
        tell(f"{len(asked.answers):>2}. {question.words}: {outcome}, {answer.seconds:.1f} seconds")
        if answer.status in _STOPS:
            asked.stopped = _STOPS[answer.status]
            break
        # A list that is answered by something else than Magnific is no reason to spend the other requests.
        if len(asked.answers) == 1 and not (answer.status == 200 or 400 <= (answer.status or 0) < 500):
            asked.stopped = f"Magnific could not be read ({outcome}): see whether it has an outage, and any proxy"
            break
        try:
            question = course.send(answer)
        except StopIteration:
            break
    return asked


def _answer(client: Client, config: Config, question: Question) -> Answer:
    url = f"{config.base_url}/v1/analytics/{question.endpoint}"
    begun = time.monotonic()
    try:
        # Magnific's reference calls this POST a query: it changes nothing.
        response = client.session.request(
            "POST" if question.body else "GET",
            url,
            json=question.body,
            timeout=(POLICY.connect_timeout, POLICY.read_timeout),
            allow_redirects=False,
            stream=True,
        )
        with response:
            body = bytes(client.read(response))
            size = response.raw.tell()
    except requests.exceptions.RequestException as error:
        # Its own text can hold addresses and bytes of the answer.
        meaning, words = of_exception(error)
        too_much = meaning in (Meaning.TOO_LARGE, Meaning.TOO_MUCH)
        return Answer(question, None, seconds=time.monotonic() - begun, failure=words, too_much=too_much)
    except OSError:
        return Answer(question, None, failure="the certificate authorities of this machine cannot be read")
    moment = http_date(response.headers.get("Date", ""))
    apart = None if moment is None else (moment - pendulum.now("UTC")).total_seconds()
    seconds = time.monotonic() - begun
    return Answer(question, response.status_code, response.headers, body, seconds, size, clock=apart)
