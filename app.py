"""Every Lambda and every route of recdrop: parse, call chalicelib, return.

Nothing here decides anything. Every Lambda imports all of this module, so it must stay cheap to
import: boto3, DuckDB and the like are imported in chalicelib where they are used.
"""

from __future__ import annotations

from typing import Any

from chalice.app import Chalice, IAMAuthorizer, Rate, Response

from chalicelib.api import http
from chalicelib.context import open_context
from chalicelib.documents import (
    ImportDataset,
    NormaliseFiles,
    RunEvent,
    SolutionEvent,
    TakeLease,
    WriteReport,
    read_event,
)
from chalicelib.intake import inbox, retraining
from chalicelib.pipeline import (
    batch,
    check,
    closing,
    dataset_group,
    files,
    lease,
    release,
    scoring,
    training,
)
from chalicelib.telemetry import task

app = Chalice(app_name="recdrop")

Event = dict[str, Any]
# Bodies are decoded by us, whatever they say they are: Chalice's own 415 is not in our error format.
ANY_TYPE = ["*/*"]


# The template names the queue: its name carries the stack's, which Chalice does not know.
@app.on_sqs_message(queue="exports", batch_size=10, name="on_export")
def on_export(event: Any) -> Event:
    """S3 -> EventBridge -> SQS.

    Answers which messages are to be delivered again; the others are done.
    """
    return inbox.handle(open_context(), event.to_dict(), event.context)


@app.schedule(Rate(1, unit=Rate.DAYS), name="retrain")
def retrain(event: Any) -> None:  # noqa: ARG001 - the schedule's event says nothing
    """Starts a retraining of each group that is due, on what streamed in since its last run."""
    retraining.start_due_runs(open_context())


@app.lambda_function(name="take_lease")
@task
def take_lease(event: Event) -> object:
    return lease.take_lease(open_context(), read_event(event, TakeLease))


@app.lambda_function(name="normalise_files")
@task
def normalise_files(event: Event) -> None:
    files.normalise_files(open_context(), read_event(event, NormaliseFiles))


@app.lambda_function(name="check_export")
@task
def check_export(event: Event) -> None:
    check.check_export(open_context(), read_event(event, RunEvent))


@app.lambda_function(name="prepare_group")
@task
def prepare_group(event: Event) -> object:
    return dataset_group.prepare_group(open_context(), read_event(event, RunEvent))


@app.lambda_function(name="import_dataset")
@task
def import_dataset(event: Event) -> None:
    dataset_group.import_dataset(open_context(), read_event(event, ImportDataset))


@app.lambda_function(name="train")
@task
def train(event: Event) -> None:
    training.train(open_context(), read_event(event, SolutionEvent))


@app.lambda_function(name="score")
@task
def score(event: Event) -> object:
    return scoring.score(open_context(), read_event(event, SolutionEvent))


@app.lambda_function(name="update_campaign")
@task
def update_campaign(event: Event) -> None:
    release.update_campaign(open_context(), read_event(event, SolutionEvent))


@app.lambda_function(name="verify_campaign")
@task
def verify_campaign(event: Event) -> None:
    release.verify_campaign(open_context(), read_event(event, SolutionEvent))


@app.lambda_function(name="roll_back")
@task
def roll_back(event: Event) -> None:
    release.roll_back(open_context(), read_event(event, SolutionEvent))


@app.lambda_function(name="run_batch_inference")
@task
def run_batch_inference(event: Event) -> None:
    batch.run_batch_inference(open_context(), read_event(event, SolutionEvent))


@app.lambda_function(name="write_report")
@task
def write_report(event: Event) -> object:
    return closing.write_report(open_context(), read_event(event, WriteReport))


@app.lambda_function(name="release_lease")
@task
def release_lease(event: Event) -> None:
    lease.release_lease(open_context(), read_event(event, RunEvent))


@app.lambda_function(name="notify")
@task
def notify(event: Event) -> None:
    closing.notify(open_context(), read_event(event, RunEvent))


@app.route("/recommendations/{user}", content_types=ANY_TYPE, api_key_required=True)
def recommendations(user: str) -> Response:
    return http.answer(app.current_request, lambda api: api.recommendations, user, key="read")


@app.route("/similar/{item}", content_types=ANY_TYPE, api_key_required=True)
def similar(item: str) -> Response:
    return http.answer(app.current_request, lambda api: api.similar, item, key="read")


@app.route("/rank", methods=["POST"], content_types=ANY_TYPE, api_key_required=True)
def rank() -> Response:
    return http.answer(app.current_request, lambda api: api.rank, key="read")


@app.route("/popular", content_types=ANY_TYPE, api_key_required=True)
def popular() -> Response:
    return http.answer(app.current_request, lambda api: api.popular, key="read")


@app.route("/trending", content_types=ANY_TYPE, api_key_required=True)
def trending() -> Response:
    return http.answer(app.current_request, lambda api: api.trending, key="read")


@app.route("/actions/{user}", content_types=ANY_TYPE, api_key_required=True)
def actions(user: str) -> Response:
    return http.answer(app.current_request, lambda api: api.actions, user, key="read")


@app.route("/segments/{item}", content_types=ANY_TYPE, api_key_required=True)
def segments(item: str) -> Response:
    return http.answer(app.current_request, lambda api: api.segments, item, key="read")


@app.route("/events", methods=["POST"], content_types=ANY_TYPE, api_key_required=True)
def events() -> Response:
    return http.answer(app.current_request, lambda api: api.events, key="write")


@app.route("/segment", methods=["POST"], content_types=ANY_TYPE, api_key_required=True)
def segment() -> Response:
    return http.answer(app.current_request, lambda api: api.segment, key="write")


@app.route("/recommendations/{user}", methods=["OPTIONS"], content_types=ANY_TYPE)
@app.route("/similar/{item}", methods=["OPTIONS"], content_types=ANY_TYPE)
@app.route("/rank", methods=["OPTIONS"], content_types=ANY_TYPE)
@app.route("/popular", methods=["OPTIONS"], content_types=ANY_TYPE)
@app.route("/trending", methods=["OPTIONS"], content_types=ANY_TYPE)
@app.route("/actions/{user}", methods=["OPTIONS"], content_types=ANY_TYPE)
@app.route("/segments/{item}", methods=["OPTIONS"], content_types=ANY_TYPE)
@app.route("/events", methods=["OPTIONS"], content_types=ANY_TYPE)
def preflight(**_path: str) -> Response:
    return http.preflight(app.current_request)


@app.route(
    "/snowflake/{function}",
    methods=["POST", "GET"],
    content_types=ANY_TYPE,
    authorizer=IAMAuthorizer(),
)
def snowflake(function: str) -> Response:
    return http.answer(app.current_request, lambda api: api.snowflake, function)


@app.route("/runs/{run}", content_types=ANY_TYPE, authorizer=IAMAuthorizer())
def run(run: str) -> Response:
    return http.answer(app.current_request, lambda api: api.run, run)


@app.route("/status", content_types=ANY_TYPE, authorizer=IAMAuthorizer())
def status() -> Response:
    return http.answer(app.current_request, lambda api: api.status)


@app.route("/health", content_types=ANY_TYPE)
def health() -> Response:
    return http.answer(app.current_request, lambda api: api.health)
