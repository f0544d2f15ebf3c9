import asyncio
import getpass
import http.server
import multiprocessing
import threading
import unittest
import urllib.request


class Here(unittest.TestCase):
    def test_http_server_answers(self):
        server = http.server.ThreadingHTTPServer(("localhost", 0), http.server.SimpleHTTPRequestHandler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with urllib.request.urlopen(f"http://localhost:{server.server_port}/test_server.py") as answer:
            self.assertIn(b"class Here", answer.read())
        server.shutdown()
        server.server_close()

    def test_streams_of_asyncio(self):
        async def exchange():
            async def echo(reader, writer):
                writer.write(await reader.readline())
                writer.close()

            server = await asyncio.start_server(echo, "localhost", 0)
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("localhost", port)
            writer.write(b"said\n")
            self.assertEqual(await reader.readline(), b"said\n")
            writer.close()
            server.close()

        asyncio.run(exchange())

    def test_pool_of_processes(self):
        with multiprocessing.Pool(2) as pool:
            self.assertEqual(pool.map(abs, [-1, -2]), [1, 2])

    def test_user(self):
        self.assertEqual(getpass.getuser(), "build")
