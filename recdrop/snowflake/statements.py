"""The two-sided set-up as SQL statements, in the order that the two trust handshakes need.

Each step says how it is made and how it is removed, so the removal is the set-up read backwards.
Nothing is quoted here: Parameters lets nothing in that would need it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib import layout
from chalicelib.intake.keys import MANIFEST_FOLDER
from chalicelib.snowflake.functions import FUNCTIONS, Function
from recdrop.snowflake.parameters import Parameters

MAX_FILE_BYTES = 268_435_456
STORAGE_HANDSHAKE = (
    "Trust of the storage role: let STORAGE_AWS_IAM_USER_ARN of the answer assume it, with "
    "sts:ExternalId = STORAGE_AWS_EXTERNAL_ID. Go on when that is done."
)
API_HANDSHAKE = (
    "Trust of the API role: let API_AWS_IAM_USER_ARN of the answer assume it, with sts:ExternalId = "
    "API_AWS_EXTERNAL_ID. The API's resource policy allows POST and GET to "
    "assumed-role/<role>/snowflake."
)


@dataclass(frozen=True)
class Step:
    """A statement, what is to be known before it runs, and what takes it back ("": nothing)."""

    sql: str
    drop: str = ""
    comment: str = ""


def create(given: Parameters) -> list[Step]:
    """The whole set-up."""
    return [
        *_roles(given),
        *_storage(given),
        *_views(given),
        *_unload(given),
        *_api(given),
        *_results(given),
    ]


def remove(given: Parameters) -> list[str]:
    """What takes the set-up back, the newest first. Tables and a warehouse of the user's stay."""
    return [step.drop for step in reversed(create(given)) if step.drop]


def as_text(steps: list[Step]) -> str:
    """Statements with their comments, as a file that Snowflake runs."""
    return "\n".join(
        (f"-- {step.comment}\n" if step.comment else "") + step.sql + ";" for step in steps
    )


def _roles(given: Parameters) -> Iterator[Step]:
    admin, user = f"{given.prefix}_admin", f"{given.prefix}_user"
    database = given.schema.partition(".")[0]
    yield Step("USE ROLE ACCOUNTADMIN", comment="Roles, and the warehouse that works")
    for role in (admin, user):
        yield Step(f"CREATE ROLE IF NOT EXISTS {role}", f"DROP ROLE IF EXISTS {role}")
    if given.warehouse is None:
        name = given.used_warehouse
        options = "WAREHOUSE_SIZE = XSMALL AUTO_SUSPEND = 60 AUTO_RESUME = TRUE"
        yield Step(
            f"CREATE WAREHOUSE IF NOT EXISTS {name} {options} INITIALLY_SUSPENDED = TRUE",
            f"DROP WAREHOUSE IF EXISTS {name}",
        )
    for role in (admin, user):
        yield Step(f"GRANT USAGE ON WAREHOUSE {given.used_warehouse} TO ROLE {role}")
        yield Step(f"GRANT USAGE ON DATABASE {database} TO ROLE {role}")
        yield Step(f"GRANT USAGE ON SCHEMA {given.schema} TO ROLE {role}")
    yield Step(f"GRANT EXECUTE TASK ON ACCOUNT TO ROLE {admin}")


def _storage(given: Parameters) -> Iterator[Step]:
    integration = f"{given.prefix}_s3"
    drop = f"s3://{given.drop_bucket}/{layout.dropped(given.group)}/"
    results = f"s3://{given.work_bucket}/{layout.batch_output(given.group, '', '').rstrip('/')}/"
    yield Step(
        f"CREATE STORAGE INTEGRATION IF NOT EXISTS {integration}\n"
        "  TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE\n"
        f"  STORAGE_AWS_ROLE_ARN = '{given.storage_role}'\n"
        f"  STORAGE_ALLOWED_LOCATIONS = ('{drop}', '{results}')",
        f"DROP INTEGRATION IF EXISTS {integration}",
        "The way to S3. Never replace the integration: its external id would change",
    )
    yield Step(f"DESCRIBE INTEGRATION {integration}", comment=STORAGE_HANDSHAKE)
    yield Step(f"GRANT USAGE ON INTEGRATION {integration} TO ROLE {given.prefix}_admin")
    formats = {
        "csv": "TYPE = CSV COMPRESSION = GZIP FIELD_DELIMITER = ',' FIELD_OPTIONALLY_ENCLOSED_BY = '\"' "
        "NULL_IF = ('') EMPTY_FIELD_AS_NULL = FALSE",
        "json": "TYPE = JSON COMPRESSION = NONE",
    }
    for name, options in formats.items():
        full = given.own(name)
        yield Step(
            f"CREATE FILE FORMAT IF NOT EXISTS {full} {options}",
            f"DROP FILE FORMAT IF EXISTS {full}",
        )
    for name, url, file_format in (("drop", drop, "csv"), ("results", results, "json")):
        full = given.own(name)
        yield Step(
            f"CREATE STAGE IF NOT EXISTS {full} URL = '{url}'\n"
            f"  STORAGE_INTEGRATION = {integration}\n"
            f"  FILE_FORMAT = (FORMAT_NAME = {given.own(file_format)})",
            f"DROP STAGE IF EXISTS {full}",
        )


def _views(given: Parameters) -> Iterator[Step]:
    """The datasets with names and types of Personalize, so that an unload never drifts."""
    columns = (
        "user_id::VARCHAR AS USER_ID, item_id::VARCHAR AS ITEM_ID, event_type::VARCHAR AS EVENT_TYPE,\n"
        '  DATE_PART(epoch_second, occurred_at)::NUMBER(38, 0) AS "TIMESTAMP"'
    )
    yield _view(
        given,
        "interactions",
        f"SELECT {columns}\n  FROM {given.table(given.interactions)}\n"
        "  WHERE user_id IS NOT NULL AND item_id IS NOT NULL AND occurred_at IS NOT NULL",
        "What is exported. Adapt the names on the left of AS to your tables",
    )
    others = (
        ("items", "item_id", given.items, given.item_columns),
        ("users", "user_id", given.users, given.user_columns),
    )
    for dataset, key, table, names in others:
        if table is not None:
            chosen = ", ".join([f"{key}::VARCHAR AS {key.upper()}", *names])
            yield _view(given, dataset, f"SELECT {chosen}\n  FROM {given.table(table)}")


def _view(given: Parameters, name: str, select: str, comment: str = "") -> Step:
    full = given.own(name)
    return Step(
        f"CREATE OR REPLACE VIEW {full} AS {select}", f"DROP VIEW IF EXISTS {full}", comment
    )


def _unload(given: Parameters) -> Iterator[Step]:
    log, procedure, task = given.own("unloads"), given.own("unload"), given.own("daily")
    yield Step(
        f"CREATE TABLE IF NOT EXISTS {log} (run_id VARCHAR, dataset VARCHAR, file_name VARCHAR,\n"
        "  file_size NUMBER, row_count NUMBER, unloaded_at TIMESTAMP_LTZ)",
        f"DROP TABLE IF EXISTS {log}",
        "The unload: a new path for each run, and the manifest last",
    )
    yield Step(
        f"CREATE OR REPLACE PROCEDURE {procedure}() RETURNS VARCHAR LANGUAGE SQL EXECUTE AS OWNER\n"
        f"AS $$\n{_body(given)}\n$$",
        f"DROP PROCEDURE IF EXISTS {procedure}()",
    )
    yield Step(f"GRANT USAGE ON PROCEDURE {procedure}() TO ROLE {given.prefix}_admin")
    yield Step(
        f"CREATE TASK IF NOT EXISTS {task} WAREHOUSE = {given.used_warehouse}\n"
        f"  SCHEDULE = 'USING CRON 0 3 * * * UTC' AS CALL {procedure}()",
        f"DROP TASK IF EXISTS {task}",
    )
    yield Step(f"ALTER TASK {task} RESUME")


def _body(given: Parameters) -> str:
    """The procedure's text. No argument of a caller comes into its dynamic SQL."""
    log, group = given.own("unloads"), given.group
    datasets = {"interactions": True, "items": given.items, "users": given.users}
    copies = "".join(
        f"""
  EXECUTE IMMEDIATE 'COPY INTO @{given.own("drop")}/{name}/' || run || '/ FROM (SELECT * FROM
    {given.own(name)}) HEADER = TRUE INCLUDE_QUERY_ID = TRUE DETAILED_OUTPUT = TRUE
    MAX_FILE_SIZE = {MAX_FILE_BYTES}';
  query := SQLID;
  INSERT INTO {log}
    SELECT :run, '{name.upper()}', '{group}/{name}/' || :run || '/' || SPLIT_PART($1, '/', -1),
      $2, $3, CURRENT_TIMESTAMP() FROM TABLE(RESULT_SCAN(:query));"""
        for name, is_there in datasets.items()
        if is_there
    )
    return f"""DECLARE
  run VARCHAR DEFAULT TO_VARCHAR(SYSDATE(), 'YYYYMMDD"T"HH24MISS') || '-' || UUID_STRING();
  query VARCHAR;
BEGIN{copies}
  EXECUTE IMMEDIATE 'COPY INTO @{given.own("drop")}/{MANIFEST_FOLDER}/' || run || '.json FROM (
    SELECT OBJECT_CONSTRUCT(''version'', 1, ''mode'', ''FULL'', ''datasets'', OBJECT_AGG(dataset, files))
    FROM (SELECT dataset, ARRAY_AGG(OBJECT_CONSTRUCT(''name'', file_name, ''size'', file_size,
        ''rows'', row_count))::VARIANT AS files
      FROM {log} WHERE run_id = ''' || run || ''' GROUP BY dataset))
    FILE_FORMAT = (TYPE = JSON COMPRESSION = NONE) SINGLE = TRUE OVERWRITE = TRUE';
  RETURN run;
END"""


def _api(given: Parameters) -> Iterator[Step]:
    integration = f"{given.prefix}_api"
    yield Step(
        f"CREATE API INTEGRATION IF NOT EXISTS {integration}\n"
        f"  API_PROVIDER = aws_api_gateway API_AWS_ROLE_ARN = '{given.api_role}'\n"
        f"  API_ALLOWED_PREFIXES = ('{given.api_url}/snowflake/') ENABLED = TRUE",
        f"DROP INTEGRATION IF EXISTS {integration}",
        "The way to the API. Never replace the integration: its external id would change",
    )
    yield Step(f"DESCRIBE INTEGRATION {integration}", comment=API_HANDSHAKE)
    yield Step(f"GRANT USAGE ON INTEGRATION {integration} TO ROLE {given.prefix}_admin")
    for function in FUNCTIONS.values():
        yield from _function(given, function, integration)


def _function(given: Parameters, function: Function, integration: str) -> Iterator[Step]:
    """An external function and who may call it: grants name it with the types of its arguments."""
    name = f"{given.schema}.{function.sql_name}"
    arguments = ", ".join(f"{one.name} {one.sql_type}" for one in function.arguments)
    exact = f"{name}({', '.join(function.sql_types)})"
    yield Step(
        f"CREATE OR REPLACE SECURE EXTERNAL FUNCTION {name}({arguments})\n"
        f"  RETURNS {function.returns} {function.null_rule} {function.volatility}\n"
        f"  COMMENT = '{literal(function.text)}'\n"
        f"  API_INTEGRATION = {integration} HEADERS = ('group' = '{given.group}')\n"
        "  CONTEXT_HEADERS = (CURRENT_ACCOUNT, CURRENT_ROLE)\n"
        f"  MAX_BATCH_ROWS = {function.max_batch_rows} COMPRESSION = GZIP\n"
        f"  AS '{given.api_url}/snowflake/{function.name}'",
        f"DROP FUNCTION IF EXISTS {exact}",
    )
    for role in ("admin", "user"):
        yield Step(f"GRANT USAGE ON FUNCTION {exact} TO ROLE {given.prefix}_{role}")


def _results(given: Parameters) -> Iterator[Step]:
    raw, pipe = given.own("results_raw"), given.own("results_pipe")
    yield Step(
        f"CREATE TABLE IF NOT EXISTS {raw} (v VARIANT, file_name VARCHAR, loaded_at TIMESTAMP_LTZ)",
        f"DROP TABLE IF EXISTS {raw}",
        "Bulk results of batch jobs: SHOW PIPES says which queue the bucket is to notify",
    )
    yield Step(
        f"CREATE PIPE IF NOT EXISTS {pipe} AUTO_INGEST = TRUE AS\n"
        f"  COPY INTO {raw} FROM (SELECT $1, METADATA$FILENAME, METADATA$START_SCAN_TIME\n"
        f"  FROM @{given.own('results')}) PATTERN = '.*[.]out'",
        f"DROP PIPE IF EXISTS {pipe}",
    )
    view = _view(
        given,
        "recommendations",
        "SELECT r.v:input:userId::VARCHAR AS user_id, f.index + 1 AS place, f.value::VARCHAR AS item_id,\n"
        "  r.v:output:scores[f.index]::FLOAT AS score, r.file_name, r.loaded_at\n"
        f"  FROM {raw} r, LATERAL FLATTEN(input => r.v:output:recommendedItems) f\n"
        "  WHERE r.v:error IS NULL OR IS_NULL_VALUE(r.v:error)",
    )
    yield view
    yield Step(f"GRANT SELECT ON VIEW {given.own('recommendations')} TO ROLE {given.prefix}_user")


def literal(text: str) -> str:
    """A text as it may stand between quotes in SQL."""
    return text.replace("\\", "\\\\").replace("'", "''")
