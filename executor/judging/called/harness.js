;(async (find) => {
  const fs = require("fs");
  const say = (text) => {
    const bytes = Buffer.from(text);
    for (let done = 0; done < bytes.length; ) {
      try {
        done += fs.writeSync(1, bytes, done);
      } catch (error) {
        if (error.code !== "EAGAIN") throw error;
      }
    }
  };
  const read = (given) => {
    if (Array.isArray(given)) return given.map(read);
    if (given === null || typeof given !== "object") return given;
    const [tag, body] = Object.entries(given)[0];
    if (tag === "$float") return body === "nan" ? NaN : body === "inf" ? Infinity : -Infinity;
    if (tag === "$set") return new Set(body.map(read));
    const pairs = body.map(([key, value]) => [read(key), read(value)]);
    if (pairs.every(([key]) => typeof key === "string")) return Object.fromEntries(pairs);
    return new Map(pairs);
  };
  const isPlain = (value) =>
    [Object.prototype, null].includes(Object.getPrototypeOf(value)) &&
    Object.getOwnPropertySymbols(value).length === 0;
  const tell = (value) => {
    switch (typeof value) {
      case "boolean":
        return String(value);
      case "bigint":
        return value.toString();
      case "number":
        return Number.isFinite(value) ? JSON.stringify(value) : `{"$float":"${value}"}`.replace("inity", "");
      case "string":
        return JSON.stringify(value);
      case "object":
        if (value === null) return "null";
        if (Array.isArray(value)) return `[${Array.from(value, tell).join(",")}]`;
        if (Object.getPrototypeOf(value) === Set.prototype) return `{"$set":${tell([...value])}}`;
        if (isPlain(value)) return `{"$dict":${tell(Object.entries(value))}}`;
    }
    throw new NotPlain();
  };
  class NotPlain extends Error {}
  const [mark, ...lines] = fs.readFileSync(0, "utf8").split("\n");
  for (const line of lines.filter((one) => one)) {
    let answer;
    try {
      answer = `{"value":${tell(await find()(...read(JSON.parse(line))))}}`;
    } catch (error) {
      const why = error instanceof NotPlain ? "not_plain" : "raised";
      answer = `{"${why}":${JSON.stringify(String(error))}}`;
    }
    say(`${mark}${answer}\n`);
  }
  process.exit(0);
})(() => CALLED_FUNCTION);
