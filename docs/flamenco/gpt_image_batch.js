/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A Flamenco job type: the rows of a manifest in chunks, then one task that merges what the workers made.
 * Put it into the folder "scripts" beside Flamenco Manager. See docs/farms.md.
 */

const JOB_TYPE = {
    label: "GPT Image batch",
    settings: [
        { key: "manifest", type: "string", subtype: "file_path", required: true,
          description: "JSON Lines or CSV, in a folder that all workers reach" },
        { key: "output_dir", type: "string", subtype: "dir_path", required: true,
          description: "Gets images, reports and the journals of the tasks; all workers must reach it" },
        { key: "chunks", type: "int32", default: 10, propargs: { min: 1 },
          description: "Tasks that the rows are divided into" },
        { key: "concurrency", type: "int32", default: 4, propargs: { min: 1 },
          description: "Requests at once of each task" },
        { key: "images_per_minute", type: "int32", default: 0, propargs: { min: 0 },
          description: "Of each task, since workers share no journal; 0 for no limit" },
        { key: "asset_library", type: "string", default: "",
          description: "Name of a .blend in the output folder that gets every row as an asset" },
    ],
};

function compileJob(job) {
    const settings = job.settings;
    const merge = author.Task("merge", "blender");
    for (let chunk = 1; chunk <= settings.chunks; chunk++) {
        const task = author.Task(`make-${chunk}`, "blender");
        const part = ["--part", `${chunk}/${settings.chunks}`];
        task.addCommand(batch(settings, `state/${chunk}`, `reports/${chunk}`, part));
        job.addTask(task);
        merge.addDependency(task);
    }
    merge.addCommand(batch(settings, "merged", "report", mergeFlags(settings)));
    job.addTask(merge);
}

function mergeFlags(settings) {
    const flags = ["--send-nothing", "--merge-from", `${settings.output_dir}/state`];
    flags.push("--contact-sheet", `${settings.output_dir}/sheet.html`);
    if (settings.asset_library) {
        flags.push("--asset-library", `${settings.output_dir}/${settings.asset_library}`);
    }
    return flags;
}

/* A state folder for each task: a journal must not be shared over a network. */
function batch(settings, state, report, more) {
    const out = settings.output_dir;
    const args = ["--online-mode", "-c", "gpt_image", "batch", settings.manifest];
    args.push("--output-dir", `${out}/pictures`);
    args.push("--state-dir", `${out}/${state}`);
    args.push("--report", `${out}/${report}.jsonl`);
    args.push("--concurrency", `${settings.concurrency}`);
    if (settings.images_per_minute > 0) {
        args.push("--images-per-minute", `${settings.images_per_minute}`);
    }
    return author.Command("exec", { exe: "{blender}", args: args.concat(more) });
}
