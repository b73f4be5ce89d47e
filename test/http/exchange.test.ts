import { expect, test } from 'vitest'
import { isPrivate } from '../../src/http/exchange.ts'

test.each([
  'https://bitbucket.org',
  'http://localhost:8080',
  'http://127.0.0.1',
  'http://127.255.10.1:7990',
  'http://[::1]',
])('nobody else can read what is sent to %s', (url) => {
  expect(isPrivate(new URL(url))).toBe(true)
})

test.each([
  'http://bitbucket.org',
  'http://localhost.example.com',
  'http://not-localhost',
  'http://127.0.0.1.example.com',
  'http://128.0.0.1',
  'http://[::2]',
  'ftp://bitbucket.org',
])('others can read what is sent to %s', (url) => {
  expect(isPrivate(new URL(url))).toBe(false)
})
