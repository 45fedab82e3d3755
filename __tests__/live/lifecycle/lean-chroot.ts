import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";

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
const ALSO = ["/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/hosts", "/etc/resolv.conf"];

/**
 * Lays out what a task of the exec driver sees of the machine: the programs it needs with their libraries. Nomad's default
 * is all of /usr, which it lays out anew for each task.
 * @param path where the programs are looked for
 * @param directory gets it all, once; Nomad links to it, or copies it for each task where that is another file system
 * @returns directory outside → directory inside, for `chroot_env`
 * @see https://developer.hashicorp.com/nomad/docs/configuration/client#chroot_env-parameters
 */
export async function leanChroot(path: string, directory: string): Promise<Readonly<Record<string, string>>> {
  const directories = path.split(delimiter).filter((it) => it !== "");
  const programs = NEEDED.flatMap((name) => {
    const file = directories.map((each) => join(each, name)).find((it) => existsSync(it));
    return file === undefined ? [] : [[file, `/bin/${name}`] as const];
  });
  // The stand-in of the runner names it by its own path.
  const node = [process.execPath, process.execPath] as const;
  const libraries = librariesOf([...programs, node].map(([file]) => file)).map(
    (file) => [file, file] as const,
  );
  const others = ALSO.filter((file) => existsSync(file)).map((file) => [file, file] as const);
  for (const [file, inside] of [...programs, node, ...libraries, ...others]) {
    const target = join(directory, inside);
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    await cp(realpathSync(file), target);
  }
  return Object.fromEntries(readdirSync(directory).map((name) => [join(directory, name), `/${name}`]));
}

/** Shared libraries, and the loader, as `ldd` lists them; none for what is linked as one, or is a script. */
function librariesOf(programs: readonly string[]): readonly string[] {
  const { stdout } = spawnSync("ldd", programs, { encoding: "utf8", timeout: 20_000 });
  const found = (stdout as string | null)?.match(/\/\S+\.so\S*/g) ?? [];
  return [...new Set(found)].filter((file) => existsSync(file));
}
