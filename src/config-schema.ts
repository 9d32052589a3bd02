import { sourceSchema } from './config-source-schema.ts'

/** Values of the parameters of one control. */
const parameterValues = {
  type: 'object',
  additionalProperties: {
    description: 'a number, a text, true or false, or a list of texts',
    anyOf: [{ type: 'boolean' }, { type: 'number' }, { type: 'string' }, { type: 'array', items: { type: 'string' } }],
  },
} as const

/** JSON Schema of the configuration file; `evidenced config schema` prints it. `x-secret` values may be `file:` references and are never shown. */
export const configSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://evidenced.dev/schemas/config.json',
  title: 'evidenced configuration',
  type: 'object',
  additionalProperties: false,
  required: ['sources'],
  properties: {
    dataDir: {
      type: 'string',
      minLength: 1,
      default: './data',
      description: 'folder for the embedded database, keys and evidence; relative to this file',
    },
    database: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'left out: an embedded PostgreSQL in dataDir',
      properties: {
        url: {
          type: 'string',
          pattern: '^postgres(ql)?://',
          'x-secret': true,
          description: 'postgres://user:password@host:5432/database, or file:/path/to/a/file/with/the/url',
        },
        allowSuperuser: {
          type: 'boolean',
          default: false,
          description:
            'true lets `evidenced run` work as a superuser of an external database, to whom no guard of evidence means anything',
        },
      },
    },
    sources: {
      type: 'array',
      minItems: 1,
      description: 'AWS organizations to collect; at least one',
      items: sourceSchema,
    },
    schedule: {
      type: 'object',
      additionalProperties: false,
      default: {},
      properties: {
        collect: {
          type: 'string',
          default: '0 2 * * *',
          description: 'cron expression of five fields: minute hour day-of-month month day-of-week',
        },
        verify: {
          type: 'string',
          default: '0 4 * * 0',
          description:
            'cron expression of five fields: when `evidenced run` computes the whole store again, as verify-store does',
        },
        timeZone: { type: 'string', default: 'UTC', description: 'IANA time zone, e.g. UTC or Europe/Berlin' },
      },
    },
    server: {
      type: 'object',
      additionalProperties: false,
      default: {},
      properties: {
        host: { type: 'string', default: '127.0.0.1', description: 'loopback only: 127.0.0.1 or ::1' },
        port: { type: 'integer', minimum: 0, maximum: 65535, default: 8080, description: '0 to 65535; 0 takes any free port' },
      },
    },
    controls: {
      type: 'object',
      additionalProperties: false,
      default: {},
      properties: {
        folders: {
          type: 'array',
          default: [],
          items: { type: 'string', minLength: 1 },
          description:
            'folders with controls and frameworks of your own, beside those that come with the program; relative to this file',
        },
        frameworkProfile: {
          type: 'string',
          minLength: 1,
          description: 'framework whose parameter profile replaces the defaults, e.g. pci-dss; left out: none',
        },
        parameters: {
          type: 'object',
          default: {},
          description: 'parameter values by control id, e.g. IDC-PS-001: { approvedAdminPermissionSets: [Administrator] }',
          additionalProperties: parameterValues,
        },
        overrides: {
          type: 'array',
          default: [],
          description: 'parameter values for a profile, a source or accounts with a tag',
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['parameters'],
            minProperties: 2,
            description: 'a profile, a source or a tag (or several, which must all hold), and parameters',
            properties: {
              profile: { type: 'string', minLength: 1, description: 'framework whose profile is in force' },
              source: { type: 'string', minLength: 1, description: 'label of a source' },
              tag: {
                type: 'object',
                minProperties: 1,
                additionalProperties: { type: 'string' },
                description: 'tags of the account, all of them, e.g. { environment: prod }',
              },
              parameters: {
                type: 'object',
                minProperties: 1,
                description: 'parameter values by control id',
                additionalProperties: parameterValues,
              },
            },
          },
        },
      },
    },
    exceptions: {
      type: 'object',
      additionalProperties: false,
      default: {},
      properties: {
        file: {
          type: 'string',
          minLength: 1,
          description: 'YAML file with exceptions, or a folder of such files, kept under version control; left out: none',
        },
        maxDays: {
          type: 'integer',
          minimum: 1,
          maximum: 3660,
          default: 365,
          'x-unit': 'days',
          description: 'longest time from the approval of an exception to its end, 1 to 3660 days',
        },
      },
    },
    findings: {
      type: 'object',
      additionalProperties: false,
      default: {},
      properties: {
        dueDays: {
          type: 'object',
          additionalProperties: false,
          default: {},
          description: 'days until a finding is due, by severity',
          properties: Object.fromEntries(
            Object.entries({ critical: 7, high: 30, medium: 90, low: 180 }).map(([severity, days]) => [
              severity,
              { type: 'integer', minimum: 1, maximum: 3660, default: days, 'x-unit': 'days', description: '1 to 3660 days' },
            ]),
          ),
        },
      },
    },
    frameworks: {
      type: 'array',
      default: ['soc2', 'iso27001'],
      items: { type: 'string', minLength: 1 },
      description: 'ids of the frameworks to issue evidence for; `evidenced frameworks list` names them',
    },
    retention: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'left out: everything is kept for ever',
      properties: {
        days: {
          type: 'integer',
          minimum: 1,
          'x-unit': 'days',
          description: 'days to keep what no later snapshot shows, of every source; left out: for ever',
        },
        callLedgerDays: {
          type: 'integer',
          minimum: 1,
          'x-unit': 'days',
          description: 'days to keep the single calls of a collection; their root stays in its snapshot; left out: for ever',
        },
        sources: {
          type: 'object',
          default: {},
          description: 'days by label of a source, instead of `days`',
          additionalProperties: {
            type: 'integer',
            minimum: 1,
            'x-unit': 'days',
            description: 'a whole number of days, 1 or more',
          },
        },
        frameworks: {
          type: 'object',
          default: { 'sox-itgc': 2557, hipaa: 2192, 'pci-dss': 365 },
          description: 'days that a framework asks for, by its id; while it is among `frameworks`, nothing is kept shorter',
          additionalProperties: {
            type: 'integer',
            minimum: 1,
            'x-unit': 'days',
            description: 'a whole number of days, 1 or more',
          },
        },
      },
    },
    evidence: {
      type: 'object',
      additionalProperties: false,
      default: {},
      properties: {
        folder: { type: 'string', minLength: 1, description: 'folder for issued bundles; left out: dataDir/evidence' },
        keyFile: {
          type: 'string',
          minLength: 1,
          description: 'Ed25519 or ECDSA P-256 private key (PKCS #8 PEM); left out: made in dataDir/keys at first use',
        },
        kmsKeyArn: {
          type: 'string',
          pattern: '^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$',
          description: 'ARN of a key in AWS KMS (ECC_NIST_P256, SIGN_VERIFY) that signs instead of a key file',
        },
        timestampUrl: {
          type: 'string',
          pattern: '^https?://[^\\s]+$',
          description: 'URL of a time-stamp authority (RFC 3161) that is asked for each bundle; left out: none is',
        },
      },
    },
    heads: {
      type: 'object',
      additionalProperties: false,
      default: {},
      properties: {
        folder: {
          type: 'string',
          minLength: 1,
          description: "folder for signed heads, best where the database's owner cannot write; left out: dataDir/heads",
        },
        bucket: {
          type: 'object',
          additionalProperties: false,
          required: ['name', 'region'],
          description: 'a bucket that gets the heads too: Amazon S3, or what speaks its protocol',
          properties: {
            name: { type: 'string', pattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$', description: 'name of the bucket' },
            region: { type: 'string', minLength: 1, description: 'Region of the bucket' },
            prefix: {
              type: 'string',
              pattern: '^([A-Za-z0-9_.=-]+/)*$',
              default: '',
              description: 'stands before every key; ends with /',
            },
            endpoint: {
              type: 'string',
              pattern: '^https?://',
              description: "URL of another store than Amazon's; the bucket's name follows as a path",
            },
            lockDays: {
              type: 'integer',
              minimum: 1,
              maximum: 36_500,
              description: 'days for which object lock keeps each head (compliance mode); left out: as the bucket decides',
            },
          },
        },
      },
    },
    reports: {
      type: 'object',
      additionalProperties: false,
      default: {},
      properties: {
        templates: { type: 'string', minLength: 1, description: 'folder with templates of your own; left out: none' },
        logo: { type: 'string', minLength: 1, description: 'PNG or JPEG of at most 1 MiB for documents; left out: none' },
        timeZone: { type: 'string', minLength: 1, description: 'IANA time zone that stands beside UTC; left out: UTC alone' },
        locale: { type: 'string', default: 'en-GB', description: 'BCP 47, how the local time is written, e.g. de-DE' },
      },
    },
    log: {
      type: 'object',
      additionalProperties: false,
      default: {},
      properties: {
        level: { enum: ['debug', 'info', 'warn', 'error'], default: 'info', description: 'debug, info, warn or error' },
      },
    },
  },
} as const
