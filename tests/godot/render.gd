# Renders each material on a square of a metre, and the first mesh of each scene, from above: NAME.png in res://shots.
extends SceneTree

const SIDE := 256
var waiting := []
var shown: Node3D = null
var frames := 0


func _initialize() -> void:
	root.size = Vector2i(SIDE, SIDE)
	var camera := Camera3D.new()
	camera.projection = Camera3D.PROJECTION_ORTHOGONAL
	camera.size = 1.0
	camera.position = Vector3(0, 2, 0)
	camera.rotation_degrees = Vector3(-90, 0, 0)
	var light := DirectionalLight3D.new()
	light.rotation_degrees = Vector3(-50, 30, 0)
	root.add_child(camera)
	root.add_child(light)
	camera.current = true
	DirAccess.make_dir_absolute("res://shots")
	find("res://")


func find(folder: String) -> void:
	for name in DirAccess.get_directories_at(folder):
		if not name.begins_with("."):
			find(folder.path_join(name))
	for name in DirAccess.get_files_at(folder):
		if name.get_extension() in ["tres", "glb"]:
			waiting.append(folder.path_join(name))


func _process(_delta: float) -> bool:
	frames += 1
	if shown != null and frames < 4:
		return false
	if shown != null:
		var path: String = shown.get_meta("path")
		root.get_texture().get_image().save_png("res://shots/" + path.get_file().replace(".", "_") + ".png")
		shown.free()
	if waiting.is_empty():
		return true
	var next: String = waiting.pop_front()
	shown = show(next)
	shown.set_meta("path", next)
	root.add_child(shown)
	frames = 0
	return false


func show(path: String) -> Node3D:
	var found = load(path)
	if found is PackedScene:
		return found.instantiate()
	var square := MeshInstance3D.new()
	square.mesh = PlaneMesh.new()
	square.mesh.size = Vector2(1, 1)
	square.material_override = found
	return square
