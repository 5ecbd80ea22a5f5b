// A full life against a local Personalize with the AWS SDK for JavaScript v3: from a group to recommendations and back
// to nothing. Usage: node life.mjs ENDPOINT. Prints what it saw as JSON.

import * as control from "@aws-sdk/client-personalize";
import * as events from "@aws-sdk/client-personalize-events";
import * as runtime from "@aws-sdk/client-personalize-runtime";

const options = {
  endpoint: process.argv[2],
  region: "us-east-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
  maxAttempts: 1,
};
const personalize = new control.PersonalizeClient(options);
const streams = new events.PersonalizeEventsClient(options);
const answers = new runtime.PersonalizeRuntimeClient(options);

const roleArn = "arn:aws:iam::000000000000:role/personalize";
const schema = JSON.stringify({
  type: "record",
  name: "Interactions",
  namespace: "com.amazonaws.personalize.schema",
  version: "1.0",
  fields: [
    { name: "USER_ID", type: "string" },
    { name: "ITEM_ID", type: "string" },
    { name: "TIMESTAMP", type: "long" },
    { name: "EVENT_TYPE", type: "string" },
  ],
});

const call = (name, input) => personalize.send(new control[`${name}Command`](input));
const made = [];

async function make(noun, input) {
  const member = noun[0].toLowerCase() + noun.slice(1);
  const { [`${member}Arn`]: arn } = await call(`Create${noun}`, input);
  made.unshift([noun, member, arn]);
  if (noun !== "Schema") await settle(noun, member, arn);
  return arn;
}

async function settle(noun, member, arn) {
  for (let patience = 3000; patience > 0; patience--) {
    const { [member]: found } = await call(`Describe${noun}`, { [`${member}Arn`]: arn });
    if (found.status === "ACTIVE") return;
    if (found.status.includes("FAILED")) throw new Error(`${arn}: ${found.failureReason}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${arn} never became ACTIVE`);
}

async function vanish(noun, member, arn) {
  await call(`Delete${noun}`, { [`${member}Arn`]: arn });
  for (let patience = 3000; patience > 0; patience--) {
    try {
      await call(`Describe${noun}`, { [`${member}Arn`]: arn });
    } catch (error) {
      if (error instanceof control.ResourceNotFoundException) return;
      throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${arn} never went`);
}

const schemaArn = await make("Schema", { name: "js-schema", schema });
const datasetGroupArn = await make("DatasetGroup", { name: "js", tags: [{ tagKey: "sdk", tagValue: "js" }] });
const datasetArn = await make("Dataset", { name: "js-interactions", datasetGroupArn, schemaArn, datasetType: "Interactions" });
const dataSource = { dataLocation: "s3://bucket/in/interactions.csv" };
await make("DatasetImportJob", { jobName: "js", datasetArn, dataSource, roleArn });
await make("EventTracker", { name: "js", datasetGroupArn });
const recipeArn = "arn:aws:personalize:::recipe/aws-popularity-count";
// Back to back, as AWS's notebooks do: a solution is ACTIVE from its first moment.
const { solutionArn } = await call("CreateSolution", { name: "js", datasetGroupArn, recipeArn, performAutoTraining: false });
made.unshift(["Solution", "solution", solutionArn]);
const solutionVersionArn = await make("SolutionVersion", { solutionArn });
const campaignArn = await make("Campaign", { name: "js", solutionVersionArn, minProvisionedTPS: 1 });

const { eventTrackers } = await call("ListEventTrackers", { datasetGroupArn });
const { eventTracker } = await call("DescribeEventTracker", { eventTrackerArn: eventTrackers[0].eventTrackerArn });
const event = { eventType: "View", itemId: "f1", sentAt: new Date(), properties: JSON.stringify({ device: "tv" }) };
await streams.send(
  new events.PutEventsCommand({ trackingId: eventTracker.trackingId, userId: "u1", sessionId: "s1", eventList: [event] }),
);
const { itemList, recommendationId } = await answers.send(
  new runtime.GetRecommendationsCommand({ campaignArn, userId: "u1", numResults: 5 }),
);
const { solutionVersion } = await call("DescribeSolutionVersion", { solutionVersionArn });
const { metrics } = await call("GetSolutionMetrics", { solutionVersionArn });

let refusal;
try {
  await call("CreateDatasetGroup", { name: "bad name!" });
} catch (error) {
  refusal = { name: error.name, status: error.$metadata.httpStatusCode, known: error instanceof control.InvalidInputException };
}
let gone;
try {
  await answers.send(new runtime.GetRecommendationsCommand({ campaignArn: `${campaignArn}x`, userId: "u1" }));
} catch (error) {
  gone = { name: error.name, status: error.$metadata.httpStatusCode };
}

const listed = [];
for await (const page of control.paginateListRecipes({ client: personalize, pageSize: 7 }, {})) listed.push(page.recipes.length);

const kept = ["DatasetImportJob", "SolutionVersion"]; // no Delete of their own
for (const [noun, member, arn] of made.filter(([noun]) => !kept.includes(noun))) await vanish(noun, member, arn);
const { datasetGroups } = await call("ListDatasetGroups", {});

console.log(
  JSON.stringify({
    items: itemList.map((item) => item.itemId),
    recommendationId,
    created: solutionVersion.creationDateTime instanceof Date,
    metrics: Object.keys(metrics),
    refusal,
    gone,
    recipes: listed,
    groupsLeft: datasetGroups.length,
  }),
);
