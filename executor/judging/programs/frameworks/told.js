const fs = require("fs");
// The tests run in this process, and have no need of the file.
fs.unlinkSync(__filename);

module.exports = class {
  onRunComplete(contexts, results) {
    const write = (text) => fs.writeSync(1, text);
    for (const file of results.testResults) {
      if (file.testExecError || file.failureMessage) process.stderr.write(String(file.failureMessage) + "\n");
      for (const test of file.testResults) {
        write("\nHARNESS_REPORT " + test.status + " " + test.fullName.replace(/\s+/g, " ") + "\n");
      }
    }
    write("HARNESS_FIRST" + "HARNESS_LAST");
  }
};
