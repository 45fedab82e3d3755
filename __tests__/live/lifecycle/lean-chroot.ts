import { spawnSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";

/** What a runner's scripts, its stand-in and its jobs start. */
const NEEDED = [
  ..."sh bash env cat cp date dd df fallocate grep head id kill ln ls mkdir mv nproc od ps rm sed setsid".split(
    " ",
  ),
  ..."sha256sum sleep sort stat tail tar tr true gzip touch chmod wc uname basename dirname du find".split(
    " ",
  ),
  ...["curl", "node"],
];
const ALSO = [
  "/etc/passwd",
  "/etc/group",
  "/etc/nsswitch.conf",
  "/etc/hosts",
  "/etc/resolv.conf",
  "/etc/ssl",
];

/**
 * What a task of the exec driver sees of the machine's files: the programs it needs with their libraries. Nomad's default
 * is all of /usr, which it lays out anew for each task.
 * @returns file outside → file inside, for `chroot_env`
 * @see https://developer.hashicorp.com/nomad/docs/configuration/client#chroot_env-parameters
 */
export function leanChroot(path: string): Readonly<Record<string, string>> {
  const directories = path.split(delimiter).filter((it) => it !== "");
  const programs = NEEDED.flatMap((name) => {
    const file = directories.map((directory) => join(directory, name)).find((it) => existsSync(it));
    return file === undefined ? [] : [{ name, file: realpathSync(file) }];
  });
  const node = realpathSync(process.execPath);
  const libraries = librariesOf([...programs.map(({ file }) => file), node]);
  return Object.fromEntries([
    ...programs.map(({ name, file }) => [file, `/bin/${name}`] as const),
    // The stand-in of the runner names it by its own path.
    [node, process.execPath],
    ...libraries.map((file) => [file, file] as const),
    ...ALSO.filter((file) => existsSync(file)).map((file) => [file, file] as const),
  ]);
}

/** Shared libraries, and the loader, as `ldd` lists them. */
function librariesOf(programs: readonly string[]): readonly string[] {
  const { stdout } = spawnSync("ldd", programs, { encoding: "utf8", timeout: 20_000 });
  return [...new Set((stdout as string | null)?.match(/\/\S+\.so\S*/g) ?? [])];
}
