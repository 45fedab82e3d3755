import { type Check, check } from "../report";
import type { ApiAnswer } from "./collector";
import { type Planted, isFound } from "./plants";
import { type NamedSecret, type Piece, findSecrets } from "./secret-search";

/** @param isolated whether what is planted outside has to be out of sight */
export function judgeSearch(
  pieces: readonly Piece[],
  planted: Planted,
  secrets: readonly NamedSecret[],
  isolated: boolean,
): readonly Check[] {
  const outside = planted.outside.filter((each) => isFound(each, pieces));
  const missed = [...planted.inside, ...(isolated ? [] : planted.outside)].filter(
    (each) => !isFound(each, pieces),
  );
  return [
    check(
      "what was planted where a job can look is found there",
      missed.map(({ secret }) => secret.name),
    ),
    ...(isolated
      ? [
          check(
            "what was planted on the node, readable for everybody, is out of sight",
            outside.map(({ secret }) => secret.name),
          ),
        ]
      : []),
    check(
      `none of ${String(secrets.length)} secrets is in the environment, files, processes or APIs in sight`,
      findSecrets(secrets, pieces),
    ),
  ];
}

/** An answer that says nothing: no rights, no such thing, or an empty list. */
const SILENT = [400, 401, 403, 404, 405];

/** @param answers of every API, to no token and to whatever was found */
export function judgeAnswers(answers: readonly ApiAnswer[]): readonly Check[] {
  const wordy = answers.filter(({ status, empty }) => status !== 0 && !SILENT.includes(status) && !empty);
  const told = ({ api, at, method, path, status, token }: ApiAnswer): string =>
    `${api} at ${at}: ${method} ${path} answers ${String(status)}${token ? " to what was found" : ""}`;
  const jobs = answers.filter(({ api, path }) => api.startsWith("Nomad") && path.startsWith("/v1/job/"));
  const heard = jobs.filter(({ status }) => status !== 0);
  // The task's socket says 401 to whoever shows nothing that it knows.
  const refusals = (api: string): readonly number[] => (api === "Nomad" ? [403] : [401, 403]);
  const wrong = heard.filter(({ api, status }) => !refusals(api).includes(status)).map(told);
  return [
    check("no API tells a job anything, whatever it shows", [...new Set(wordy.map(told))]),
    check(
      "Nomad's job endpoints answer 403, whatever is shown, and 401 at the task's socket",
      heard.some(({ api }) => api === "Nomad") ? [...new Set(wrong)] : ["no answer at all"],
    ),
  ];
}
