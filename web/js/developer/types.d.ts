/** The shapes of the pages for web developers. A browser never loads this file. */
import type { LocalText } from "../types.js";

/** What a website needs to show a building: `/api/v1/sites/{site}/embed`. */
export interface EmbedFacts {
  site: string;
  name: LocalText;
  /** Without a slash at its end; null when the company has not set it. */
  public_url: string | null;
  access: "ticket" | "public" | "staff";
  allowed_origins: string[];
  /** The gateway knows a key that signs tickets. */
  tickets: boolean;
  cameras: { id: string; name: LocalText }[];
}

/** JSON Schema, as far as the gateway uses it. */
export interface Schema {
  $ref?: string;
  type?: string;
  format?: string;
  enum?: string[];
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
}

export interface Content {
  description?: string;
  content?: Record<string, { schema?: Schema }>;
}

export interface Operation {
  operationId: string;
  summary: string;
  description: string;
  tags: string[];
  security: Record<string, string[]>[];
  parameters: { name: string; in: string; required: boolean; schema: Schema }[];
  requestBody?: Content;
  responses: Record<string, Content>;
}

export interface OpenApi {
  info: { title: string; version: string };
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, Schema>;
    securitySchemes: Record<string, { type: string; description: string }>;
  };
}
