// Code with its words in colour: enough to read it by, in a few lines for each family of languages.

import { make } from "./dom.js";

const words = (text) => new Set(text.split(" "));
const NUMBER = /(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|\d[\d_]*\.?[\d_]*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)[jJlL]?/y;
const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;

const PYTHON = {
  parts: [
    ["comment", /#[^\n]*/y],
    ["string", /[rRbBfFuU]{0,2}(?:"""(?:[^\\]|\\[\s\S])*?(?:"""|$)|'''(?:[^\\]|\\[\s\S])*?(?:'''|$))/y],
    ["string", /[rRbBfFuU]{0,2}(?:"(?:[^"\\\n]|\\[\s\S])*"?|'(?:[^'\\\n]|\\[\s\S])*'?)/y],
    ["magic", /^[ \t]*[%!][^\n]*/my],
    ["magic", /@[\w.]+/y],
  ],
  keywords: words(
    "and as assert async await break class continue def del elif else except finally for from global if import in is " +
      "lambda nonlocal not or pass raise return try while with yield match case",
  ),
  constants: words("True False None self cls"),
};
const SHELL = {
  parts: [
    ["comment", /(?<=^|\s)#[^\n]*/my],
    ["string", /"(?:[^"\\]|\\[\s\S])*"?|'[^']*'?/y],
    ["constant", /\$(?:\{[^}]*\}|\w+|[?@#*$!-])/y],
  ],
  keywords: words("if then else elif fi for while until do done case esac in function return export local set source cd echo"),
  constants: words("true false"),
};
const R = {
  parts: [
    ["comment", /#[^\n]*/y],
    ["string", /"(?:[^"\\]|\\[\s\S])*"?|'(?:[^'\\]|\\[\s\S])*'?/y],
  ],
  keywords: words("if else repeat while function for next break return library require in"),
  constants: words("TRUE FALSE NULL NA Inf NaN"),
};
const JULIA = {
  parts: [
    ["comment", /#=[\s\S]*?(?:=#|$)|#[^\n]*/y],
    ["string", /"""[\s\S]*?(?:"""|$)|"(?:[^"\\]|\\[\s\S])*"?/y],
    ["magic", /@\w+/y],
  ],
  keywords: words(
    "begin while if for try return break continue function macro quote let local global const do struct module using " +
      "import export end else elseif catch finally mutable where in",
  ),
  constants: words("true false nothing missing"),
};
const OTHER = {
  parts: [
    ["comment", /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y],
    ["string", /"(?:[^"\\\n]|\\[\s\S])*"?|'(?:[^'\\\n]|\\[\s\S])*'?|`(?:[^`\\]|\\[\s\S])*`?/y],
  ],
  keywords: words(
    "if else for while do switch case break continue return function var let const class new import export from " +
      "public private static void int double float bool struct template typename namespace using auto try catch throw",
  ),
  constants: words("true false null undefined nullptr this"),
};
const LANGUAGES = { python: PYTHON, bash: SHELL, sh: SHELL, r: R, R, julia: JULIA };
const LONGEST = 40_000; // characters; longer code is shown as it is

/** Return code as elements. */
export function coloured(source, language) {
  const made = document.createDocumentFragment();
  if (source.length > LONGEST) {
    made.append(source);
    return made;
  }
  const grammar = LANGUAGES[language] || (/python/i.test(language) ? PYTHON : OTHER);
  let plain = "";
  const add = (kind, text) => {
    if (!kind) {
      plain += text;
      return;
    }
    if (plain) made.append(plain);
    plain = "";
    made.append(make("span", { class: `t-${kind}` }, text));
  };
  for (let at = 0; at < source.length; ) {
    const [kind, text] = next(grammar, source, at);
    add(kind, text);
    at += text.length;
  }
  if (plain) made.append(plain);
  return made;
}

function next(grammar, source, at) {
  for (const [kind, pattern] of grammar.parts) {
    const text = matched(pattern, source, at);
    if (text) return [kind, text];
  }
  const name = matched(NAME, source, at);
  if (name) {
    if (grammar.keywords.has(name)) return ["keyword", name];
    if (grammar.constants.has(name)) return ["constant", name];
    return [source[at + name.length] === "(" ? "call" : "", name];
  }
  const number = matched(NUMBER, source, at);
  if (number) return ["number", number];
  return ["", source[at]];
}

function matched(pattern, source, at) {
  pattern.lastIndex = at;
  const match = pattern.exec(source);
  return match ? match[0] : "";
}
