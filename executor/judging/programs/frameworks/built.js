const fs = require("fs"), path = require("path");
// Modules of npm have those that they need below them.
const paths = ["jest", "@babel/preset-typescript"].map((name) => path.dirname(require.resolve(name)));
const near = (name) => require.resolve(name, { paths });
const babel = require(near("@babel/core"));
const presets = [near("babel-preset-jest")];
const plugins = [near("@babel/plugin-transform-modules-commonjs")];

function build(name) {
  const from = path.join("given", name), to = path.join("built", name);
  if (fs.statSync(from).isDirectory()) {
    fs.mkdirSync(to, { recursive: true });
    fs.readdirSync(from).forEach((inside) => build(path.join(name, inside)));
    return;
  }
  if (!/\.[cm]?[jt]sx?$/.test(name)) return fs.copyFileSync(from, to);
  const types = /\.[cm]?tsx?$/.test(name) ? [near("@babel/preset-typescript")] : [];
  const made = babel.transformFileSync(from, {
    presets: [...presets, ...types], plugins, babelrc: false, configFile: false,
    cwd: process.cwd(), compact: false,
  });
  fs.writeFileSync(to, made.code);
}

try {
  build("");
} catch (error) {
  process.stdout.write(String(error && error.message || error) + "\n");
  process.exit(1);
}
