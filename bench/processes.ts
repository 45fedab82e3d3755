import { readFileSync, readdirSync } from "node:fs";

/** Kernels count a process's time in hundredths of a second, whatever their own tick is.
 *  @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const TICK_MS = 10;

/** Fields of `/proc/<pid>/stat` behind the name, which may hold blanks: from the third one on. */
function fieldsOf(pid: number): readonly string[] {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Milliseconds of CPU that a process has used, its children not counted. */
export function cpuMs(pid: number): number {
  const fields = fieldsOf(pid);
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Ids of the workerd processes that this process has started. */
export function workerdProcesses(): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return (
          fieldsOf(pid)[1] === String(process.pid) &&
          readFileSync(`/proc/${String(pid)}/comm`, "utf8").trim() === "workerd"
        );
      } catch {
        // It has ended meanwhile.
        return false;
      }
    });
}
