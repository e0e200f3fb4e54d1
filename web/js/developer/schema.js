/** JSON Schema for people: a tree of keys with their types. */
import { element } from "../element.js";
/** @import { OpenApi, Schema } from "./types.js" */

const DEEPEST = 6;
/** @type {Record<string, unknown>} */
const VALUES = { string: "…", integer: 0, number: 0, boolean: true, null: null };

/** @param {OpenApi} whole @param {Schema} schema @param {number} [depth] */
export function shape(whole, schema, depth = 0) {
  const line = element("span", { class: "schema", lang: "en" }, element("em", {}, typeOf(whole, schema)));
  const found = inmost(whole, schema);
  const keys = depth < DEEPEST ? Object.entries(found.properties ?? {}) : [];
  if (keys.length === 0) return line;
  const list = element("ul", { class: "keys" });
  for (const [name, value] of keys) {
    const needed = found.required?.includes(name) ? "" : "?";
    list.append(element("li", {}, element("code", {}, `${name}${needed}`), " ", shape(whole, value, depth + 1)));
  }
  line.append(list);
  return line;
}

/** What lists, mappings and choices hold in the end. @param {OpenApi} whole @param {Schema} schema @returns {Schema} */
function inmost(whole, schema) {
  const found = resolved(whole, schema);
  const inner = insideOf(found);
  return inner ? inmost(whole, inner) : found;
}

/** The name of a schema that has one. @param {Schema} schema */
export function nameOf(schema) {
  return schema.$ref?.split("/").at(-1) ?? "";
}

/** An example of a body, as JSON. @param {OpenApi} whole @param {Schema} [schema] */
export function sample(whole, schema) {
  return JSON.stringify(exampleOf(whole, schema ?? {}, 0));
}

/** @param {OpenApi} whole @param {Schema} schema @param {number} depth @returns {unknown} */
function exampleOf(whole, schema, depth) {
  const found = resolved(whole, schema);
  if (found.enum) return found.enum[0];
  if (found.anyOf) return exampleOf(whole, found.anyOf[0] ?? {}, depth);
  if (found.type === "array") return depth < DEEPEST ? [exampleOf(whole, found.items ?? {}, depth + 1)] : [];
  if (found.properties && depth < DEEPEST) {
    const keys = Object.entries(found.properties).map(([name, value]) => [name, exampleOf(whole, value, depth + 1)]);
    return Object.fromEntries(keys);
  }
  return VALUES[found.type ?? ""] ?? {};
}

/** @param {OpenApi} whole @param {Schema} schema @returns {Schema} */
function resolved(whole, schema) {
  const name = nameOf(schema);
  return name ? whole.components.schemas[name] ?? {} : schema;
}

/** What a list, a mapping or a choice of one holds. @param {Schema} schema @returns {Schema|null} */
function insideOf({ type, items, anyOf, additionalProperties }) {
  if (type === "array") return items ?? null;
  if (anyOf) return anyOf.find((one) => one.type !== "null") ?? null;
  return typeof additionalProperties === "object" ? additionalProperties : null;
}

/** A schema in a few words. @param {OpenApi} whole @param {Schema} schema @returns {string} */
function typeOf(whole, schema) {
  const name = nameOf(schema);
  if (name) return name;
  if (schema.enum) return schema.enum.map((one) => `"${one}"`).join(" | ");
  if (schema.anyOf) return schema.anyOf.map((one) => typeOf(whole, one)).join(" | ");
  if (schema.type === "array") return `[${typeOf(whole, schema.items ?? {})}]`;
  if (typeof schema.additionalProperties === "object") return `{name: ${typeOf(whole, schema.additionalProperties)}}`;
  return schema.format ?? schema.type ?? "any";
}
