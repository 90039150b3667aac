"""`python -m verify.facts`: check the connector's assumptions against real responses and print the results.

Set MAGNIFIC_API_KEY and, optionally, MAGNIFIC_PLAN and MAGNIFIC_START_DATE. Without a key, the command starts
a sandbox and checks it. You can publish the output: it has counts, shares and formats, but none of the team's data.
"""

import os
import sys
import textwrap
import time
from contextlib import ExitStack

import pendulum
import requests
from airbyte_cdk.utils import AirbyteTracedException

from sandbox import DEFAULT_KEY, Options, running
from source_magnific_analytics.client import Client
from source_magnific_analytics.config import Config, parse
from source_magnific_analytics.policy import POLICY, REQUESTS_A_DAY, Meaning, of_exception
from source_magnific_analytics.waiting import http_date
from verify import check_agreement, check_shapes, show  # noqa: F401 (importing them registers their checks)
from verify.assumptions import JUDGES
from verify.probe_answers import Answer, Question, Seen
from verify.probes import MOST_REQUESTS, questions

_SETTINGS = {"api_key": "API_KEY", "plan": "PLAN", "start_date": "START_DATE", "base_url": "BASE_URL"}
_VERDICTS = {False: "DOES NOT HOLD", None: "COULD NOT BE SEEN", True: "HOLDS"}
# After these statuses, further requests would also fail, or would use up quota that the day's syncs need.
_STOPS = {
    401: "Magnific refuses the API key (401): create a new one (see https://docs.magnific.com/quickstart)",
    403: "Magnific does not let this key read analytics (403): ask an owner or admin of the team for a key that can",
    429: "Magnific is not accepting further requests right now (429): try again in a minute, or tomorrow",
}


def ask(config: Config) -> tuple[dict[str, Answer], str]:
    """Send the requests. Return the answers by question name and, if the requests ended early, the reason."""
    answers: dict[str, Answer] = {}
    client, course = Client(config, POLICY), questions(config)
    question = next(course)
    while len(answers) < MOST_REQUESTS:
        try:
            answer = answers[question.name] = _answer(client, config, question)
        except KeyboardInterrupt:
            return answers, "The command was interrupted"
        outcome = answer.failure or f"HTTP {answer.status}"
        show(f"{len(answers):>2}. {question.words}: {outcome}, {answer.seconds:.1f} seconds")
        if answer.status in _STOPS:
            return answers, _STOPS[answer.status]
        # Without a usable first response, do not send the remaining requests.
        if len(answers) == 1 and not (answer.status == 200 or 400 <= (answer.status or 0) < 500):
            return answers, f"Magnific gave no usable response ({outcome}): check for an outage or a proxy problem"
        try:
            question = course.send(answer)
        except StopIteration:
            break
    return answers, ""


def _answer(client: Client, config: Config, question: Question) -> Answer:
    """Send one request without retries or redirects."""
    begun = time.monotonic()
    try:
        # According to Magnific's reference, this POST is only a query, so it changes nothing.
        response = client.session.request(
            "POST" if question.body else "GET",
            f"{config.base_url}/v1/analytics/{question.endpoint}",
            json=question.body,
            timeout=(POLICY.connect_timeout, POLICY.read_timeout),
            allow_redirects=False,
            stream=True,
        )
        with response:
            body = bytes(client.session.read(response))
    except requests.exceptions.RequestException as error:
        # Do not show the error's own message, because it can contain addresses and bytes of the response.
        meaning, words = of_exception(error)
        too_much = meaning in (Meaning.ANSWER_TOO_LARGE, Meaning.TOO_MUCH)
        return Answer(question, None, seconds=time.monotonic() - begun, failure=words, too_much=too_much)
    except OSError:
        return Answer(question, None, failure="the CA certificates of this machine cannot be read")
    moment = http_date(response.headers.get("Date", ""))
    apart = None if moment is None else (moment - pendulum.now("UTC")).total_seconds()
    return Answer(question, response.status_code, response.headers, body, time.monotonic() - begun, clock=apart)


def page(seen: Seen, stopped: str, asked: str) -> str:
    """Return the page, which has counts, shares and formats but none of the team's data."""
    lines = [
        f"What source-magnific-analytics assumes, checked against {asked} on {seen.config.today} (plan "
        f"{seen.config.plan}, {len(seen.answers)} requests)"
    ]
    lines += [f"Stopped early. {stopped}. Results until then:"] if stopped else []
    judged = [(assumption, *judge(seen)) for assumption, judge in JUDGES.items()]
    for verdict, words in _VERDICTS.items():
        found = [f"- {assumption}: {told}." for assumption, holds, told in judged if holds is verdict]
        lines += ["", f"{words} ({len(found)})", *found] if found else []
    lines += ["", "docs/reliability.md says what the connector does if an assumption does not hold."]
    return "\n".join(textwrap.fill(line, 100, subsequent_indent="  ", break_on_hyphens=False) for line in lines)


def main() -> int:
    """Return 0 if the page is complete, 1 if the requests ended early or the settings are wrong."""
    today = pendulum.now("UTC").date()
    given = {name: value for name, end in _SETTINGS.items() if (value := os.environ.get(f"MAGNIFIC_{end}"))}
    raw = {"start_date": str(today.start_of("month").subtract(years=1)), **given}
    asked = "Magnific" if "api_key" in given else "a sandbox"
    with ExitStack() as stack:
        if "api_key" not in given:
            raw |= {"api_key": DEFAULT_KEY, "base_url": stack.enter_context(running(Options(today=today)))}
        try:
            config = parse(raw, today)
            where = asked if given else "a sandbox on this machine, since MAGNIFIC_API_KEY is not set"
            show(
                f"Asking {where}: at most {MOST_REQUESTS} of the day's {REQUESTS_A_DAY} API requests. They only read "
                "data and cost no credits.\nNone of the team's data is printed: no keys, addresses, names or credits."
            )
            answers, stopped = ask(config)
        except AirbyteTracedException as error:
            print(error.message, file=sys.stderr)
            return 1
    show(f"\n{page(Seen(config, answers), stopped, asked)}")
    return 1 if stopped else 0


if __name__ == "__main__":
    sys.exit(main())
