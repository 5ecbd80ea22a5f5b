"""The gaps of moto 5.2.5 that this package mends, one row each, and what puts them in place.

The rows are the only list there is: the installation runs through them, docs/local.md shows them,
and a test compares the two and the tests they name. A gap whose test passes without its shim has
been closed by moto, and its row may go.

Three of the gaps failed silently (a schedule rule swallowed all later rules, an event source
mapping deletes messages unseen, a bucket never notifies). The last two are not patched but taken
out of moto's hands, in `recdrop.local.template` and `recdrop.local.deploy`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from recdrop.local.aws import slimmoto

slimmoto.install()

from recdrop.local.shims import (  # noqa: E402
    cloudformation,
    delivery,
    functions,
    machines,
    policies,
    queues,
    runs,
    tasks,
    waits,
)


@dataclass(frozen=True)
class Shim:
    """A patch of moto: the gap it closes, in one sentence, and the test that fails without it.

    `test` names a function of `tests/recdrop/local/shims/test_<family>.py`.
    """

    patch: Callable[[], None]
    gap: str
    test: str

    @property
    def name(self) -> str:
        """The name of the patch, which says what holds when it is in place."""
        return self.patch.__name__

    @property
    def family(self) -> str:
        """The module of the patch."""
        return self.patch.__module__.rsplit(".", 1)[-1]


SHIMS = (
    Shim(
        cloudformation.parse_templates_as_json,
        "CloudFormation reads JSON templates with pure-Python YAML: a second of start-up.",
        "test_json_templates_are_read_as_json",
    ),
    Shim(
        cloudformation.name_resources_by_logical_id,
        "A bucket or table gets a random name, which changes whenever a function is added.",
        "test_physical_names_depend_on_the_logical_id_alone",
    ),
    Shim(
        cloudformation.translate_serverless_templates,
        "CloudFormation knows no SAM transform, and warns of what it has no model for.",
        "test_a_serverless_template_deploys_through_a_change_set",
    ),
    Shim(
        cloudformation.finish_change_sets,
        "A stack that a change set made has no outputs, and forgets its parameters.",
        "test_a_stack_of_a_change_set_has_outputs_and_parameters",
    ),
    Shim(
        cloudformation.keep_what_cannot_be_updated,
        "An update of a resource that moto cannot update takes it from its stack.",
        "test_what_cannot_be_updated_stays_in_its_stack",
    ),
    Shim(
        delivery.deliver_per_rule_and_target,
        "A schedule rule matches every event, and a failing target hides it from later rules.",
        "test_a_failing_target_does_not_keep_the_event_from_the_next_rule",
    ),
    Shim(
        delivery.write_s3_events_as_aws_does,
        "S3 events share one id and one sequencer, spell `etag` wrong, and tell of tags and ACLs.",
        "test_s3_events_have_awss_fields",
    ),
    Shim(
        functions.refuse_functions_that_cannot_run,
        "CreateFunction takes any runtime and any image, which nothing here can run.",
        "test_what_cannot_run_is_refused_when_it_is_made",
    ),
    Shim(
        queues.announce_messages,
        "Nobody is told of a new message: a poller would have to ask 20 times a second.",
        "test_a_message_wakes_its_poller_at_once",
    ),
    Shim(
        queues.address_queues_here,
        "A queue of CloudFormation has an address at AWS, which some SDKs would really call.",
        "test_queue_addresses_lead_to_this_stack",
    ),
    Shim(
        machines.create_state_machines_that_execute,
        "State machines are made in a back-end that only pretends to run them.",
        "test_the_templates_state_machine_executes",
    ),
    Shim(
        machines.name_step_functions_errors,
        "Refusals of Step Functions (InvalidDefinition, ...) reach clients with an empty code.",
        "test_step_functions_errors_have_codes",
    ),
    Shim(
        machines.name_executions,
        "A start without a name is named `None`, so the second one clashes.",
        "test_starts_without_a_name_get_one_each",
    ),
    Shim(
        machines.write_times_as_text,
        "A time in the state data makes DescribeExecution answer 500.",
        "test_times_in_the_state_data_are_text",
    ),
    Shim(
        machines.parse_definitions_once,
        "Each start of a run parses the definition anew: 0.2 s for the pipeline.",
        "test_a_definition_is_parsed_once",
    ),
    Shim(
        policies.know_awss_own_policies,
        "No role can have a policy that AWS manages, such as AmazonPersonalizeFullAccess.",
        "test_a_role_may_have_policies_that_aws_manages",
    ),
    Shim(
        tasks.speak_pascal_case,
        "`aws-sdk:` tasks have botocore's casing; Step Functions has PascalCase.",
        "test_sdk_tasks_speak_pascal_case",
    ),
    Shim(
        tasks.reuse_clients,
        "Each task makes a new boto3 client, for `localhost` and a wrong port.",
        "test_tasks_call_this_stack_and_lambdas_in_process",
    ),
    Shim(
        waits.scale_retries,
        "A Retry sleeps a second at least, and sleeps on when the run is stopped.",
        "test_retries_wait_scaled_seconds_and_stop_when_the_run_is_stopped",
    ),
    Shim(
        waits.scale_waits,
        "A Wait state of a minute takes a minute, on a laptop too.",
        "test_waits_are_scaled",
    ),
    Shim(
        runs.forget_old_runs,
        "Histories and dead threads of ended runs are kept for ever.",
        "test_old_executions_are_forgotten",
    ),
    Shim(
        runs.page_histories,
        "GetExecutionHistory has no pages and no reverse order.",
        "test_histories_come_in_pages_and_backwards",
    ),
    Shim(
        runs.keep_why_a_run_was_stopped,
        "StopExecution drops the error and the cause it was given.",
        "test_a_stopped_run_says_why",
    ),
    Shim(
        runs.redrive_executions,
        "RedriveExecution is missing.",
        "test_a_failed_run_can_be_redriven",
    ),
)
_installed = False


def install() -> None:
    """Put all shims in place; once per process."""
    global _installed
    if not _installed:
        for shim in SHIMS:
            shim.patch()
        _installed = True


def as_markdown() -> str:
    """The table of docs/local.md."""
    rows = [f"| `{shim.name}` | {shim.gap} |" for shim in SHIMS]
    return "\n".join(["| shim | the gap in moto |", "|---|---|", *rows])
