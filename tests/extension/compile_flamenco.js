/* Runs a Flamenco job type with stand-ins for what Flamenco gives it, and prints the tasks as JSON. */
const fs = require("fs");
const vm = require("vm");

const [script, settings] = process.argv.slice(2);
const author = {
    Command: (name, parameters) => ({ name, parameters }),
    Task: (name, type) => ({
        name, type, commands: [], dependencies: [],
        addCommand(command) { this.commands.push(command); },
        addDependency(task) { this.dependencies.push(task.name); },
    }),
};
const tasks = [];
const job = { settings: JSON.parse(settings), addTask: (task) => tasks.push(task) };
const context = vm.createContext({ author, job });
vm.runInContext(fs.readFileSync(script, "utf8") + "\ncompileJob(job); this.type = JOB_TYPE;", context);
console.log(JSON.stringify({ tasks, type: context.type }));
