"""Hot functions as in real programs: well-known algorithms, whose work grows with `size` linearly."""

import math

# --- numbers


def nbody(size):
    """Move five bodies that attract one another, in steps of time."""
    bodies = [[math.cos(k) * k, math.sin(k) * k, 0.1 * k, 0.0, 0.0, 0.0, 1.0 / (k + 1)] for k in range(5)]
    pairs = [(a, b) for i, a in enumerate(bodies) for b in bodies[i + 1 :]]
    step = 0.01
    for _ in range(size):
        for a, b in pairs:
            dx = a[0] - b[0]
            dy = a[1] - b[1]
            dz = a[2] - b[2]
            pull = step * (dx * dx + dy * dy + dz * dz + 0.01) ** -1.5
            a[3] -= dx * b[6] * pull
            a[4] -= dy * b[6] * pull
            a[5] -= dz * b[6] * pull
            b[3] += dx * a[6] * pull
            b[4] += dy * a[6] * pull
            b[5] += dz * a[6] * pull
        for body in bodies:
            body[0] += step * body[3]
            body[1] += step * body[4]
            body[2] += step * body[5]
    return bodies


def spectral_norm(size):
    """Multiply a matrix, whose elements are computed when they are needed, by a vector: `size` rows of 40."""
    vector = [1.0] * 40
    product = []
    for i in range(size):
        row = i % 40
        total = 0.0
        for j in range(40):
            diagonal = row + j
            total += vector[j] / (diagonal * (diagonal + 1) // 2 + row + 1)
        product.append(total)
    return math.fsum(product)


def relaxation(size):
    """Successive over-relaxation on a grid of 12 by 12, `size` times."""
    grid = [[float((i * 7 + j * 3) % 11) for j in range(12)] for i in range(12)]
    omega = 1.25
    for _ in range(size):
        for i in range(1, 11):
            above, row, below = grid[i - 1], grid[i], grid[i + 1]
            for j in range(1, 11):
                around = above[j] + below[j] + row[j - 1] + row[j + 1]
                row[j] = omega * 0.25 * around + (1.0 - omega) * row[j]
    return grid


def elimination(size):
    """Factorise matrices of 8 by 8 into triangles, with pivoting."""
    trace = 0.0
    for seed in range(size):
        matrix = [[float((i * 5 + j * j * 3 + seed) % 13 + (i == j)) for j in range(8)] for i in range(8)]
        for k in range(8):
            pivot = max(range(k, 8), key=lambda i: abs(matrix[i][k]))
            if matrix[pivot][k] == 0.0:
                continue
            matrix[k], matrix[pivot] = matrix[pivot], matrix[k]
            top = matrix[k]
            for i in range(k + 1, 8):
                row = matrix[i]
                factor = row[k] / top[k]
                row[k] = factor
                for j in range(k + 1, 8):
                    row[j] -= factor * top[j]
        trace += sum(matrix[i][i] for i in range(8))
    return trace


def fourier(size):
    """The fast Fourier transform of 32 complex numbers in place, `size` times."""
    values = [complex(i % 5, i % 3) for i in range(32)]
    for _ in range(size):
        j = 0
        for i in range(1, 32):
            bit = 16
            while j & bit:
                j ^= bit
                bit >>= 1
            j |= bit
            if i < j:
                values[i], values[j] = values[j], values[i]
        length = 2
        while length <= 32:
            turn = complex(math.cos(2 * math.pi / length), math.sin(2 * math.pi / length))
            for start in range(0, 32, length):
                weight = complex(1.0)
                for k in range(start, start + length // 2):
                    even = values[k]
                    odd = values[k + length // 2] * weight
                    values[k] = (even + odd) * 0.2
                    values[k + length // 2] = (even - odd) * 0.2
                    weight *= turn
            length *= 2
    return values


def monte_carlo(size):
    """Estimate pi with random points of its own making."""
    state = 12345
    inside = 0
    for _ in range(size):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        x = state / 0x7FFFFFFF
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        y = state / 0x7FFFFFFF
        if x * x + y * y <= 1.0:
            inside += 1
    return 4.0 * inside / size


def mandelbrot(size):
    """How soon points of the plane leave Mandelbrot's set."""
    total = 0
    for pixel in range(size):
        cx = pixel % 61 / 30 - 1.5
        cy = pixel % 37 / 18 - 1.0
        x = y = 0.0
        for turn in range(30):
            xx = x * x
            yy = y * y
            if xx + yy > 4.0:
                break
            y = 2 * x * y + cy
            x = xx - yy + cx
        total += turn
    return total


def chaos_game(size):
    """Draw a fern into a grid by jumping at random between four maps of the plane."""
    grid = [[0] * 50 for _ in range(50)]
    state = 1
    x = y = 0.0
    for _ in range(size):
        state = state * 16807 % 2147483647
        chance = state % 100
        if chance < 1:
            x, y = 0.0, 0.16 * y
        elif chance < 86:
            x, y = 0.85 * x + 0.04 * y, -0.04 * x + 0.85 * y + 1.6
        elif chance < 93:
            x, y = 0.2 * x - 0.26 * y, 0.23 * x + 0.22 * y + 1.6
        else:
            x, y = -0.15 * x + 0.28 * y, 0.26 * x + 0.24 * y + 0.44
        grid[int(y * 4.5)][int(x * 8 + 22)] += 1
    return grid


# --- searches


def pancakes(size):
    """How many flips bring the first number to the front, over `size` permutations of nine."""
    order = list(range(9))
    counters = [0] * 9
    most = 0
    for _ in range(size):
        row = order[:]
        flips = 0
        while first := row[0]:
            row[: first + 1] = row[first::-1]
            flips += 1
        if flips > most:
            most = flips
        place = 1
        while place < 9:
            order.insert(place, order.pop(0))
            counters[place] += 1
            if counters[place] <= place:
                break
            counters[place] = 0
            place += 1
    return most, order


def queens(size):
    """Put queens on a board of 8 by 8, trying `size` squares in turn and going back where none is left."""
    columns = []
    solutions = 0
    column = 0
    for _ in range(size):
        row = len(columns)
        if column == 8 or row == 8:
            solutions += row == 8
            column = columns.pop() + 1 if columns else 0
            continue
        if all(column != c and abs(column - c) != row - r for r, c in enumerate(columns)):
            columns.append(column)
            column = 0
        else:
            column += 1
    return solutions, columns


def latin_squares(size):
    """Fill squares of 5 by 5 by crossing off what is impossible, the cell with the fewest choices first."""
    filled = 0
    for seed in range(size):
        choices = {(r, c): set(range(5)) for r in range(5) for c in range(5)}
        while choices:
            cell = min(choices, key=lambda cell: (len(choices[cell]), cell))
            values = choices.pop(cell)
            if not values:
                break
            value = sorted(values)[seed % len(values)]
            filled += 1
            for (r, c), others in choices.items():
                if r == cell[0] or c == cell[1]:
                    others.discard(value)
    return filled


def flood_fill(size):
    """Measure the connected areas of boards of 9 by 9."""
    sizes = []
    for seed in range(size):
        free = {(r, c) for r in range(9) for c in range(9) if (r * 3 + c * c + seed * r) % 5}
        while free:
            todo = [free.pop()]
            area = 0
            while todo:
                r, c = todo.pop()
                area += 1
                for neighbour in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
                    if neighbour in free:
                        free.remove(neighbour)
                        todo.append(neighbour)
            sizes.append(area)
    return sum(a * a for a in sizes), len(sizes)


# --- objects


class Task:
    """Something to do, that passes work on to others."""

    def __init__(self, name, successors):
        self.name = name
        self.successors = successors
        self.queue = []
        self.held = False
        self.done = 0

    def step(self, packet):
        """Work on a packet and tell who gets it next."""
        self.done += 1
        return self.successors[(packet + self.done) % len(self.successors)]


def scheduler(size):
    """Let tasks take turns and send one another packets."""
    tasks = [Task(i, [(i + 1) % 6, (i * 2 + 1) % 6, 5 - i]) for i in range(6)]
    for packet in range(8):
        tasks[packet % 6].queue.append(packet)
    current = idle = 0
    for _ in range(size):
        task = tasks[current]
        if task.held:
            task.held = False
        elif task.queue:
            packet = task.queue.pop(0)
            receiver = tasks[task.step(packet)]
            receiver.queue.append(packet + 1 & 255)
            if packet % 7 == 0:
                receiver.held = True
        else:
            idle += 1
        current = current + 1 if current < 5 else 0
    return idle, [task.done for task in tasks]


class Variable:
    """A number that other numbers follow from."""

    def __init__(self, value):
        self.value = value
        self.stay = True
        self.constraints = []


class Scale:
    """A constraint: one variable is a multiple of another one, plus something."""

    def __init__(self, source, target, factor, offset):
        self.source = source
        self.target = target
        self.factor = factor
        self.offset = offset
        source.constraints.append(self)

    def execute(self):
        """Make it hold."""
        self.target.value = (self.source.value * self.factor + self.offset) % 10007


def constraints(size):
    """Change a variable over and over, and let a net of constraints follow."""
    variables = [Variable(i) for i in range(20)]
    for i in range(1, 20):
        Scale(variables[(i - 1) // 2], variables[i], i, 3)
    for turn in range(size):
        variables[0].value = turn
        variables[0].stay = False
        plan = []
        todo = [variables[0]]
        while todo:
            variable = todo.pop()
            for constraint in variable.constraints:
                if constraint.target.stay:
                    constraint.target.stay = False
                    plan.append(constraint)
                    todo.append(constraint.target)
        for constraint in plan:
            constraint.execute()
            constraint.target.stay = True
    return [variable.value for variable in variables]


class Point:
    """A point of space."""

    def __init__(self, i):
        self.x = math.sin(i)
        self.y = math.cos(i) * 3
        self.z = self.x * self.x / 2

    def normalise(self):
        """Give it the length 1."""
        norm = math.sqrt(self.x * self.x + self.y * self.y + self.z * self.z)
        self.x /= norm
        self.y /= norm
        self.z /= norm

    def maximise(self, other):
        """Take the larger of each coordinate."""
        self.x = max(self.x, other.x)
        self.y = max(self.y, other.y)
        self.z = max(self.z, other.z)
        return self


def float_points(size):
    """Make points, normalise them, and find the corner beyond all of them."""
    corner = Point(0)
    for i in range(size):
        point = Point(i)
        point.normalise()
        corner = corner.maximise(point)
    return corner.x, corner.y, corner.z


def raytrace(size):
    """Which of some balls each ray hits first, and how bright the ball is there."""
    balls = [(math.cos(k) * 2, math.sin(k) * 2, 6.0 + k, 1.0) for k in range(5)]
    light = 0.0
    for ray in range(size):
        dx = ray % 41 / 20 - 1.0
        dy = ray % 29 / 14 - 1.0
        norm = math.sqrt(dx * dx + dy * dy + 1.0)
        dx, dy, dz = dx / norm, dy / norm, 1.0 / norm
        nearest, hit = math.inf, None
        for ball in balls:
            x, y, z, radius = ball
            along = x * dx + y * dy + z * dz
            distance = x * x + y * y + z * z - along * along
            if distance > radius * radius:
                continue
            t = along - math.sqrt(radius * radius - distance)
            if 0.0 < t < nearest:
                nearest, hit = t, ball
        if hit is not None:
            light += max(0.0, (hit[1] - nearest * dy) / hit[3])
    return light


# --- texts and bits


def huffman(size):
    """Decode bits with a tree of prefixes."""
    codes = {(1, 0): "e", (2, 2): "t", (3, 6): "a", (4, 14): "o", (5, 30): "n", (5, 31): "i"}
    state = 42
    text = []
    length = code = 0
    for _ in range(size):
        state = state * 16807 % 2147483647
        code = code << 1 | (state >> 7 & 1)
        length += 1
        symbol = codes.get((length, code))
        if symbol is not None:
            text.append(symbol)
            length = code = 0
    return len(text), "".join(text[-20:])


def tokens(size):
    """Cut a text of nested lists and objects into tokens."""
    text = '{"name": "a b", "values": [1, -2.5, 30], "inner": {"ok": true, "none": null}}'
    counts = {"mark": 0, "string": 0, "number": 0, "word": 0}
    for _ in range(size):
        i = 0
        while i < len(text):
            char = text[i]
            start = i
            i += 1
            if char == " ":
                continue
            if char in "{}[]:,":
                counts["mark"] += 1
            elif char == '"':
                while text[i] != '"':
                    i += 1
                i += 1
                counts["string"] += len(text[start:i])
            elif char in "-0123456789":
                while text[i] in "0123456789.":
                    i += 1
                counts["number"] += float(text[start:i])
            else:
                while text[i].isalpha():
                    i += 1
                counts["word"] += 1
    return counts


def edit_distance(size):
    """How many edits lie between two words, over `size` pairs."""
    words = ["monitoring", "instruction", "benchmark", "instrument", "bench", "monotone"]
    total = 0
    for n in range(size):
        left, right = words[n % 6], words[(n * 5 + 1) % 6]
        row = list(range(len(right) + 1))
        for i, a in enumerate(left, 1):
            previous, row[0] = row[0], i
            for j, b in enumerate(right, 1):
                cost = previous if a == b else 1 + min(previous, row[j], row[j - 1])
                previous, row[j] = row[j], cost
        total += row[-1]
    return total


def cipher(size):
    """Encrypt blocks of 64 bits with a Feistel network of 16 rounds."""
    key = [0x0123, 0x4567, 0x89AB, 0xCDEF]
    left, right = 1, 2
    for block in range(size):
        left ^= block
        mix = 0
        for _ in range(16):
            left = (left + ((right << 4 ^ right >> 5) + right ^ mix + key[mix & 3])) & 0xFFFFFFFF
            mix = (mix + 0x9E3779B9) & 0xFFFFFFFF
            right = (right + ((left << 4 ^ left >> 5) + left ^ mix + key[mix >> 11 & 3])) & 0xFFFFFFFF
    return left, right
